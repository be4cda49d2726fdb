/** Answers of one JSON object a line, as they come: imports, and terms that fetch an image. */

import { AwsError, respond, type Scope } from "../api/http";
import { READ } from "../api/read";
import type { ImageProgress, ImageRow } from "../generated/read-api";

type Line = ImageProgress | { image: ImageRow } | { error: { code: string; message: string } };

/** Takes pieces of text; gives whole lines, and keeps the rest for the next piece. */
export function lineSplitter(): (piece: string) => string[] {
  let rest = "";
  return (piece) => {
    const parts = (rest + piece).split("\n");
    rest = parts.pop() ?? "";
    return parts.filter((line) => line !== "");
  };
}

/** The image that such an answer ends with. Raises AwsError, also for a refusal within the answer. */
export async function followImage(
  scope: Scope,
  name: string,
  question: object,
  onProgress: (progress: ImageProgress) => void,
  signal?: AbortSignal,
): Promise<ImageRow> {
  const response = await respond(`${READ}/${name}`, { method: "POST", body: question, scope, signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const split = lineSplitter();
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
    for (const text of split(piece.value)) {
      const line = JSON.parse(text) as Line;
      if ("error" in line) throw new AwsError(line.error.code, line.error.message, undefined, response.status);
      if ("image" in line) return line.image;
      onProgress(line);
    }
  }
  throw new AwsError("ImportFailed", "The server ended in the middle of it.", undefined, response.status);
}
