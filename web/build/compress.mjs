// Writes a .br and a .gz beside every file of the built console that gets smaller by it, so that the server never compresses.
// Usage: node build/compress.mjs [DIRECTORY]

import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const TEXT = new Set([".css", ".html", ".js", ".json", ".map", ".mjs", ".svg", ".txt", ".webmanifest"]);
const LEAST_BYTES = 512; // below, the answer's headers are larger than what is won

const ways = {
  ".br": (bytes) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  ".gz": (bytes) => promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }),
};

async function compress(file) {
  const bytes = await readFile(file);
  if (bytes.length < LEAST_BYTES) return;
  for (const [suffix, pack] of Object.entries(ways)) {
    const packed = await pack(bytes);
    if (packed.length < bytes.length) await writeFile(file + suffix, packed);
  }
}

const directory = path.resolve(
  process.argv[2] ?? fileURLToPath(new URL("../../src/opengwlb/console/static", import.meta.url)),
);
const found = await readdir(directory, { recursive: true });
const texts = found.filter((name) => TEXT.has(path.extname(name)));
await Promise.all(texts.map((name) => compress(path.join(directory, name))));
