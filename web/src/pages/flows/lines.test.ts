import { expect, test } from "vitest";
import { readBody, readLines } from "./lines";

const body = (text: string, piece: number) =>
  new ReadableStream<Uint8Array>({
    start(stream) {
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length; at += piece) stream.enqueue(bytes.slice(at, at + piece));
      stream.close();
    },
  });

async function read(text: string, piece = 7) {
  const reader = readLines();
  await readBody(body(text, piece), reader.take);
  return reader.answer();
}

test("a list comes as the server writes it, a row a line, however it is cut into pieces", async () => {
  const text = '{"at":5,"total":2,\n"flows":[\n{"source":"a","bytes":1},\n{"source":"방화벽","bytes":2}]}\n';
  const { at, total, flows } = await read(text);
  expect([at, total]).toEqual([5, 2]);
  expect(flows.map((one) => one.source)).toEqual(["a", "방화벽"]);
});

test("changes are two lists, of which either may be empty", async () => {
  const text = '{"at":5,"total":0,"total_ended":1,\n"flows":[],\n"ended":[\n{"source":"a"}]}\n';
  const answer = await read(text);
  expect(answer.flows).toEqual([]);
  expect(answer.ended.map((one) => one.source)).toEqual(["a"]);
  expect((await read('{"at":5,"total":1,\n"flows":[\n{"source":"a"}],\n"ended":[]}\n')).flows).toHaveLength(1);
});

test("a server that carries no packets answers all in one line", async () => {
  expect(await read('{"at":0,"total":0,"flows":[],"total_ended":0,"ended":[]}')).toMatchObject({ total: 0, flows: [] });
});
