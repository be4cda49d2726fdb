import Box from "@cloudscape-design/components/box";
import Drawer from "@cloudscape-design/components/drawer";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { EquivalentTexts } from "../common/Equivalent";
import { notedCalls, subscribeCalls } from "./commandLog";

/** What was done by clicking, as commands in the order in which a script would have them. */
export function CommandsDrawer() {
  const { t } = useTranslation("shell");
  const calls = useSyncExternalStore(subscribeCalls, notedCalls);
  return (
    <Drawer header={<h2>{t("commands.title")}</h2>}>
      <SpaceBetween size="m">
        <Box color="text-body-secondary">{t("commands.explained")}</Box>
        {calls.length > 0 && <EquivalentTexts calls={[...calls].reverse()} />}
      </SpaceBetween>
    </Drawer>
  );
}
