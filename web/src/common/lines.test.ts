import { afterEach, expect, test, vi } from "vitest";
import { followImage, lineSplitter } from "./lines";

const scope = { account: "1", region: "r" };
const answering = (...pieces: string[]) => {
  const body = new ReadableStream({
    start(control) {
      for (const piece of pieces) control.enqueue(new TextEncoder().encode(piece));
      control.close();
    },
  });
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body)));
};

afterEach(() => {
  vi.unstubAllGlobals();
});

test("a line that comes in two pieces is one line", () => {
  const split = lineSplitter();
  expect(split('{"a":')).toEqual([]);
  expect(split("1}\n{}\n{")).toEqual(['{"a":1}', "{}"]);
});

test("progress is told as it comes, and the image is the answer", async () => {
  answering('{"stage":"fetching","done":1,"to', 'tal":2}\n{"image":{"id":"ami-1"}}\n');
  const told: number[] = [];
  const image = await followImage(scope, "images", {}, (line) => told.push(line.done));
  expect(image.id).toBe("ami-1");
  expect(told).toEqual([1]);
});

test("a refusal in the middle, and an end in the middle, are errors", async () => {
  answering('{"error":{"code":"ImportFailed","message":"no such file"}}\n');
  await expect(followImage(scope, "images", {}, () => undefined)).rejects.toMatchObject({ message: "no such file" });
  answering('{"stage":"fetching","done":1,"total":null}\n');
  await expect(followImage(scope, "images", {}, () => undefined)).rejects.toMatchObject({ code: "ImportFailed" });
});
