/** Calls on several ids do what they can and name the rest in `Unsuccessful`: here the first of these is an error like any other. */

import { AwsError } from "../api/http";

interface Unsuccessful {
  Unsuccessful?: { Error?: { Code?: string; Message?: string }; ResourceId?: string }[];
}

/** Raises AwsError. */
export function mustSucceed<T extends Unsuccessful>(answer: T): T {
  const first = answer.Unsuccessful?.[0];
  if (first) {
    const said = first.Error?.Message ?? "";
    throw new AwsError(first.Error?.Code ?? "Unsuccessful", `${first.ResourceId ?? ""}: ${said}`, undefined, 200);
  }
  return answer;
}
