import { useState } from "react";
import { useTraffic } from "../../live/LiveProvider";
import type { Traffic } from "../../live/stream";
import { type Second, withSecond } from "./history";

/** What was dropped in each of the last seconds, since the page was opened. */
export function useHistory(): readonly Second[] {
  const traffic = useTraffic();
  const [kept, setKept] = useState<{ last: Traffic | null; seconds: readonly Second[] }>({ last: null, seconds: [] });
  if (traffic === null || traffic === kept.last) return kept.seconds;
  const seconds = withSecond(kept.seconds, traffic);
  setKept({ last: traffic, seconds });
  return seconds;
}
