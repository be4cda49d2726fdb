import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { AwsError } from "../api/http";
import type { ImageProgress, ImageRow } from "../generated/read-api";
import { useScope } from "../session/scope";
import { followImage } from "./lines";

/** A call that is answered as it goes on, and ends with an image. */
export function useFollowImage(name: string, onDone: (image: ImageRow) => void) {
  const scope = useScope();
  const client = useQueryClient();
  const [progress, setProgress] = useState<ImageProgress | null>(null);
  const [problem, setProblem] = useState<AwsError | null>(null);
  const [busy, setBusy] = useState(false);
  const start = (question: object) => {
    setBusy(true);
    setProblem(null);
    setProgress(null);
    followImage(scope, name, question, setProgress)
      .then(async (image) => {
        await client.invalidateQueries();
        onDone(image);
      })
      .catch(setProblem)
      .finally(() => {
        setBusy(false);
      });
  };
  return { start, busy, progress, problem };
}
