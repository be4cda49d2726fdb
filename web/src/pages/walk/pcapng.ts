/** The walk's own frames as a pcapng file for Wireshark: one interface for each place, a comment for each frame. Made here, from the answer. */

import type { Walk } from "./answer";
import { toBytes } from "./bytes";
import { ends, frames } from "./film";

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const PACKET = 6;
const ETHERNET = 1;
const OPTION = { comment: 1, name: 2, resolution: 9 };

export function pcapng(walk: Walk): Uint8Array<ArrayBuffer> {
  const all = frames(walk);
  const places = [...new Set(all.map(({ hop }) => `${hop.resource} (${hop.box})`))];
  const blocks = [
    block(SECTION, numbers([0x1a2b3c4d, 4], [1, 2], [0, 2], [0xffffffff, 4], [0xffffffff, 4])),
    ...places.map((place) =>
      block(
        INTERFACE,
        numbers([ETHERNET, 2], [0, 2], [0, 4]),
        option(OPTION.name, text(place)),
        option(OPTION.resolution, Uint8Array.of(9)),
        END,
      ),
    ),
    ...all.map(({ leg, hop }) => {
      const data = toBytes(hop.bytes);
      const at = BigInt(Math.round(walk.at * 1e6)) * 1000n + BigInt(Math.round(hop.after_us * 1000));
      const place = places.indexOf(`${hop.resource} (${hop.box})`);
      const told = `${leg.name} ${String(hop.step)}, ${hop.title}: ${ends(hop.flow)}${hop.verdict ? `; ${hop.verdict}` : ""}`;
      return block(
        PACKET,
        numbers(
          [place, 4],
          [Number(at >> 32n), 4],
          [Number(at & 0xffffffffn), 4],
          [data.length, 4],
          [hop.frame_length, 4],
        ),
        padded(data),
        option(OPTION.comment, text(told)),
        END,
      );
    }),
  ];
  return joined(blocks);
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Little-endian, as the section header's first number says. */
function numbers(...given: [number, 2 | 4][]): Bytes {
  return joined(
    given.map(([value, size]) => {
      const view = new DataView(new ArrayBuffer(size));
      if (size === 2) view.setUint16(0, value, true);
      else view.setUint32(0, value, true);
      return new Uint8Array(view.buffer);
    }),
  );
}

function joined(parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function padded(data: Bytes): Bytes {
  return joined([data, new Uint8Array(-data.length & 3)]);
}

const text = (words: string): Bytes => joined([Uint8Array.from(new TextEncoder().encode(words))]);
const option = (code: number, value: Bytes): Bytes => joined([numbers([code, 2], [value.length, 2]), padded(value)]);
const END: Bytes = numbers([0, 2], [0, 2]);

function block(kind: number, ...parts: Bytes[]): Bytes {
  const body = joined(parts);
  const length = body.length + 12;
  return joined([numbers([kind, 4], [length, 4]), body, numbers([length, 4])]);
}
