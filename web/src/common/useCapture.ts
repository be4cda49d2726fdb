import { useEffect, useRef, useState } from "react";
import { AwsError, respond } from "../api/http";
import { downloadLink } from "../api/read";
import { useScope } from "../session/scope";
import { fileName, saveFile } from "./captureFile";

/** As typed; the server says what is wrong with it. */
export interface CaptureWish {
  port: string;
  seconds: string;
  packets: string;
  host: string;
}

const TICK_MS = 200;

/** One bounded capture: fetched rather than followed as a link, so that a refusal is seen, and saved under the server's name. */
export function useCapture() {
  const scope = useScope();
  const [running, setRunning] = useState<{ seconds: number; elapsed: number } | null>(null);
  const [saved, setSaved] = useState<{ name: string; bytes: number } | null>(null);
  const [error, setError] = useState<AwsError | null>(null);
  const stop = useRef<AbortController>(null);
  const cancel = () => {
    stop.current?.abort();
  };

  const capturing = running !== null;
  useEffect(() => {
    if (!capturing) return;
    const timer = setInterval(() => {
      setRunning((now) => now && { ...now, elapsed: now.elapsed + TICK_MS / 1000 });
    }, TICK_MS);
    return () => {
      clearInterval(timer);
    };
  }, [capturing]);
  useEffect(() => cancel, []);

  const start = ({ port, seconds, packets, host }: CaptureWish) => {
    const ended = new AbortController();
    stop.current = ended;
    setSaved(null);
    setError(null);
    setRunning({ seconds: Number(seconds), elapsed: 0 });
    const asked: Record<string, string> = { port, seconds, packets };
    if (host.trim() !== "") asked.host = host.trim();
    respond(downloadLink(scope, "captures", asked), { signal: ended.signal })
      .then(async (answer) => {
        const content = await answer.blob();
        const name = fileName(answer.headers.get("content-disposition"), `${port.split("/").at(-1) ?? port}.pcapng`);
        saveFile(content, name);
        setSaved({ name, bytes: content.size });
      })
      .catch((problem: unknown) => {
        if (problem instanceof AwsError) setError(problem);
        else if (!ended.signal.aborted) throw problem;
      })
      .finally(() => {
        setRunning(null);
      });
  };
  return { running, saved, error, start, cancel };
}
