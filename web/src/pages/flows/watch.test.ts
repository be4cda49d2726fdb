import { expect, test } from "vitest";
import { AwsError } from "../../api/http";
import type { FlowsAnswer } from "./lines";
import { aFlow } from "./testing";
import { listAgainAfter, merged, type Seen, watchFlows } from "./watch";

const answer = (some: Partial<FlowsAnswer>): FlowsAnswer => ({ at: 1, total: 0, flows: [], ended: [], ...some });

/** Answers one after the other by a clock that only waiting moves; stops when there is none left. */
async function watched(answers: (FlowsAnswer | AwsError)[], following = true) {
  const stop = new AbortController();
  const asked: (number | null)[] = [];
  let seen: Seen = { flows: [], total: 0, at: 0, error: null };
  const all: Seen[] = [];
  let now = 0;
  await watchFlows(
    {
      now: () => now,
      wait: (ms) => {
        now += ms;
        return Promise.resolve();
      },
      ask: (since) => {
        asked.push(since);
        const next = answers.shift();
        if (answers.length === 0) stop.abort();
        return next instanceof AwsError ? Promise.reject(next) : Promise.resolve(next ?? answer({}));
      },
    },
    { following, limit: 10, signal: stop.signal },
    (change) => all.push((seen = change(seen))),
  );
  return { asked, all };
}

test("what began stands first, what ended is gone, and without a change the list stays as it is", () => {
  const [one, two] = [aFlow({ source_port: 1 }), aFlow({ source_port: 2 })];
  expect(merged([one], answer({ flows: [two] }), 10)).toEqual([two, one]);
  expect(merged([one, two], answer({ ended: [one] }), 10)).toEqual([two]);
  expect(merged([one], answer({ flows: [two] }), 1)).toEqual([two]);
  expect(merged([one], answer({}), 10)).toBeNull();
});

test("changes are asked for since the answer before, and after a while all is listed anew", async () => {
  const flow = aFlow();
  const { asked } = await watched([
    answer({ at: 7, total: 1, flows: [flow] }),
    answer({ at: 8 }),
    answer({ at: 9, ended: [flow] }),
    answer({ at: 10 }),
    answer({}),
  ]);
  expect(asked.slice(0, 4)).toEqual([null, 7, 8, null]);
});

test("a refusal is shown with what was there before, and asked again", async () => {
  const busy = new AwsError("Throttling", "later", undefined, 429);
  const { all, asked } = await watched([answer({ total: 1, flows: [aFlow()] }), busy, answer({}), answer({})]);
  expect(all[1]).toMatchObject({ error: busy, flows: [aFlow()] });
  expect(asked.slice(0, 3)).toEqual([null, 1, null]);
});

test("paused, it lists once", async () => {
  expect((await watched([answer({}), answer({})], false)).asked).toEqual([null]);
});

test("a long listing is repeated seldom", () => {
  expect(listAgainAfter(10)).toBe(2_000);
  expect(listAgainAfter(3_000)).toBe(30_000);
});
