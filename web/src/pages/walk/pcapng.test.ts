import { expect, test } from "vitest";
import { frames } from "./film";
import { pcapng } from "./pcapng";
import { walked } from "./testing";

test("the file has a section, an interface for each place, and every frame with its time and length", () => {
  const walk = walked();
  const buffer = pcapng(walk).buffer;
  const view = new DataView(buffer);
  const kinds: number[] = [];
  const packets: { at: bigint; captured: number; length: number }[] = [];
  for (let at = 0; at < buffer.byteLength; at += view.getUint32(at + 4, true)) {
    const length = view.getUint32(at + 4, true);
    expect(length % 4).toBe(0);
    expect(view.getUint32(at + length - 4, true)).toBe(length);
    kinds.push(view.getUint32(at, true));
    if (kinds.at(-1) !== 6) continue;
    packets.push({
      at: (BigInt(view.getUint32(at + 12, true)) << 32n) | BigInt(view.getUint32(at + 16, true)),
      captured: view.getUint32(at + 20, true),
      length: view.getUint32(at + 24, true),
    });
  }
  expect(kinds.filter((kind) => kind === 1).length).toBe(5);
  expect(packets.length).toBe(frames(walk).length);
  expect(packets[0]).toEqual({ at: 1_700_000_000_500_010_000n, captured: 2, length: 4 });
});
