import Button from "@cloudscape-design/components/button";
import { useTranslation } from "react-i18next";
import type { AwsError } from "../../api/http";
import { read, useRead } from "../../api/read";
import { useNotify } from "../../common/notify";
import type { DemoAnswer } from "../../generated/read-api";
import { useScope } from "../../session/scope";
import { useSession } from "../../session/session";

const SECONDS = 30;

/** Sends the demo's requests, where the demo is built and who is signed in may. */
export function DemoTraffic() {
  const { t } = useTranslation("walk");
  const scope = useScope();
  const notify = useNotify();
  const { current } = useSession();
  const { data } = useRead<DemoAnswer>("demo", undefined, { enabled: current.operator, everyMs: 5000 });
  if (data?.state !== "ready") return null;
  return (
    <Button
      data-testid="demo-traffic"
      disabled={(data.traffic?.seconds_left ?? 0) > 0}
      onClick={() => {
        read<DemoAnswer>(scope, "demo/traffic", { seconds: SECONDS }).then(
          () => {
            notify.success(t("sent", { count: SECONDS }));
          },
          (refused: AwsError) => {
            notify.failure(refused);
          },
        );
      }}
    >
      {t("send")}
    </Button>
  );
}
