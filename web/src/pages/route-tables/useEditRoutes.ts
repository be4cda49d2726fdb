import { useState } from "react";
import { AwsError } from "../../api/http";
import { make, useCalls } from "../../common/useCalls";
import type { ec2 } from "../../generated/aws";
import { applied, type Change, changes, type Draft } from "./routeChanges";
import { destinationOf, isLocal, type Placed, placed } from "./routeTargets";

const draftOf = (route: ec2.Route): Draft => ({ ...placed(route), key: destinationOf(route), fixed: isLocal(route) });

/**
 * The form's rows, what is still to be called, and the errors beside rows. What the server took is not called again; what it
 * refused stays as it was typed, and a removed route that it kept comes back.
 */
export function useEditRoutes(table: ec2.RouteTable) {
  const id = table.RouteTableId ?? "";
  const run = useCalls();
  const [drafts, setDrafts] = useState<Draft[]>(() => (table.Routes ?? []).map(draftOf));
  // The server's routes when the form was opened, and what was saved since: not what others did meanwhile.
  const [before, setBefore] = useState<readonly Placed[]>(() => (table.Routes ?? []).map(placed));
  const [errors, setErrors] = useState<Record<string, AwsError>>({});
  const [busy, setBusy] = useState(false);
  const pending = changes(id, before, drafts);

  const save = async (): Promise<boolean> => {
    const refused: Record<string, AwsError> = {};
    let routes = before;
    const attempt = async (change: Change, work: Promise<unknown>) => {
      try {
        await work;
        routes = applied(routes, change);
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        refused[change.row] = error;
        if (change.operation !== "DeleteRoute") return;
        setDrafts((rows) => [...rows, { ...change.route, key: change.row, fixed: false }]);
      }
    };
    setBusy(true);
    try {
      await run(async (call) => {
        for (const change of pending) {
          // The old way is only removed when the new one is there.
          if (change.operation === "DeleteRoute" && Object.keys(refused).length > 0) break;
          await attempt(change, make(call, { service: "ec2", ...change }));
        }
      });
    } finally {
      setBefore(routes);
      setErrors(refused);
      setBusy(false);
    }
    return Object.keys(refused).length === 0;
  };

  return { drafts, setDrafts, pending, errors, busy, save };
}
