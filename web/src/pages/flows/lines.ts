/** The read API's `flows` while it comes: one object, a row a line, so that a long list is read in pieces between frames. */

import type { Flow } from "./flow";

export interface FlowsAnswer {
  /** What the next question's `since` is. */
  at: number;
  total: number;
  flows: Flow[];
  ended: Flow[];
}

export interface LineReader {
  take: (line: string) => void;
  answer: () => FlowsAnswer;
}

/** Takes the answer's lines in order. */
export function readLines(): LineReader {
  const found: FlowsAnswer = { at: 0, total: 0, flows: [], ended: [] };
  let list = found.flows;
  let began = false;
  return {
    take: (line) => {
      if (line === "") return;
      if (!began) {
        began = true;
        const whole = line.endsWith(",") ? `${line.slice(0, -1)}}` : line;
        Object.assign(found, JSON.parse(whole) as Partial<FlowsAnswer>);
        list = found.flows;
      } else if (line.startsWith('"')) {
        list = line.startsWith('"ended"') ? found.ended : found.flows;
      } else {
        list.push(JSON.parse(line.replace(/\]?[,}]?$/, bracketsOnly)) as Flow);
      }
    },
    answer: () => found,
  };
}

/** What ends a line beyond its row: a comma, or the end of list and answer. A row's own brace stays. */
function bracketsOnly(end: string): string {
  return end === "}" ? "}" : "";
}

/** Milliseconds of work between two frames. */
const SLICE_MS = 6;

/** Reads a body to its end and lets the page breathe: what is taken is at most a slice of a frame at once. */
export async function readBody(body: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let until = performance.now() + SLICE_MS;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      take(line);
      if (performance.now() >= until) {
        await nextTask();
        until = performance.now() + SLICE_MS;
      }
    }
  }
  take(rest);
}

/** Timers wait four milliseconds when nested; a message does not, and lets input and frames come first. */
function nextTask(): Promise<void> {
  return new Promise((go) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      go();
    };
    port2.postMessage(null);
  });
}
