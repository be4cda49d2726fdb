import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import type { AwsError } from "../api/http";
import type { ImageProgress, ImageRow } from "../generated/read-api";
import { useScope } from "../session/scope";
import { followImage } from "./lines";

/** A call that is answered as it goes on, and ends with an image. Who stops it, or leaves the page, cancels it on the server too. */
export function useFollowImage(name: string, onDone: (image: ImageRow) => void) {
  const scope = useScope();
  const client = useQueryClient();
  const running = useRef<AbortController | null>(null);
  const [progress, setProgress] = useState<ImageProgress | null>(null);
  const [problem, setProblem] = useState<AwsError | null>(null);
  const [busy, setBusy] = useState(false);
  const stop = useCallback(() => {
    running.current?.abort();
  }, []);
  useEffect(() => stop, [stop]);
  const start = (question: object) => {
    const { signal } = (running.current = new AbortController());
    setBusy(true);
    setProblem(null);
    setProgress(null);
    followImage(scope, name, question, setProgress, signal)
      .then(async (image) => {
        await client.invalidateQueries();
        if (!signal.aborted) onDone(image);
      })
      .catch((refused: AwsError) => {
        if (!signal.aborted) setProblem(refused);
      })
      .finally(() => {
        setBusy(false);
      });
  };
  return { start, stop, busy, progress, problem };
}
