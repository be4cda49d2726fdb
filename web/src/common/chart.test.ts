import { expect, test } from "vitest";
import { formatFor } from "../i18n/format";
import { aligned, isolated, lastValue, timeLabels, valueText } from "./chart";

test("series with other times stand side by side, and only a gap of their own interrupts them", () => {
  const found = aligned([
    {
      label: "a",
      points: [
        [60, 1],
        [180, null],
      ],
    },
    { label: "b", points: [[120, 5]] },
  ]);
  expect(found.times).toEqual([60, 120, 180]);
  expect(found.values).toEqual([
    [1, undefined, null],
    [undefined, 5, undefined],
  ]);
});

test("a value between gaps is drawn as a point, one on a line is not", () => {
  expect(isolated([1, null, 2, undefined, null, 3, undefined, 4])).toEqual([0, 2]);
  expect(isolated([7])).toEqual([0]);
});

test("the newest value is the last that there is", () => {
  expect(
    lastValue([
      [60, 3],
      [120, null],
    ]),
  ).toBe(3);
  expect(lastValue([[60, null]])).toBeNull();
});

test("the day stands under the first time and where it changes", () => {
  const at = (hour: number) => new Date(2026, 10, 23, hour).getTime() / 1000;
  expect(timeLabels([at(22), at(23), at(24)], "en")).toEqual([
    "22:00\nNov 23",
    "23:00",
    expect.stringMatching(/\nNov 24$/),
  ]);
  expect(timeLabels([at(22)], "ko")[0]).toMatch(/\n11월 23일$/);
});

test("values have their unit, in the words of the language", () => {
  expect(valueText(formatFor("en"), "bytes", 12_300)).toBe("12.3 kB");
  expect(valueText(formatFor("en"), "bytesPerSecond", 1000)).toBe("8 kbit/s");
  expect(valueText(formatFor("ko"), "count", 12_300)).toBe("1.23만");
  expect(valueText(formatFor("en"), "percent", 4.25)).toBe("4.25%");
});
