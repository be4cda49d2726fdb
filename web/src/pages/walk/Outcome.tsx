import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useTranslation } from "react-i18next";
import { saveFile } from "../../common/captureFile";
import type { Walk } from "./answer";
import { ends } from "./film";
import { pcapng } from "./pcapng";

/** What the walk shows: by-passes first, then every check, why this target, and the GENEVE header. */
export function Outcome({ walk }: { walk: Walk }) {
  const { t } = useTranslation("walk");
  const tunnelled = walk.legs.flatMap((leg) => leg.hops).find((hop) => hop.geneve);
  const geneve = tunnelled?.geneve;
  const save = () => {
    saveFile(new Blob([pcapng(walk)], { type: "application/x-pcapng" }), "walk.pcapng");
  };
  const passed = walk.legs.filter((leg) => leg.by_passed);
  return (
    <SpaceBetween size="m">
      {passed.map((leg) => (
        <Alert
          key={leg.name}
          type="error"
          header={t("byPassed", { leg: t(`leg.${leg.name}`).toLowerCase() })}
          data-testid="by-passed"
        >
          {walk.checks.find((check) => !check.ok && check.name.startsWith(leg.name))?.sentence}
        </Alert>
      ))}
      {walk.legs.map(
        (leg) =>
          leg.ended && (
            <Alert
              key={leg.name}
              type="warning"
              header={t("ended", { leg: t(`leg.${leg.name}`).toLowerCase(), at: leg.ended.resource })}
            >
              {leg.ended.sentence} <Box variant="code">{leg.ended.verdict}</Box>
            </Alert>
          ),
      )}
      {walk.warnings.map((warning) => (
        <Alert key={warning} type="warning">
          {warning}
        </Alert>
      ))}
      <Container
        header={
          <Header
            variant="h2"
            description={ends(walk.connection)}
            actions={
              <Button iconName="download" onClick={save} data-testid="save-walk">
                {t("save")}
              </Button>
            }
          >
            <StatusIndicator type={walk.ok ? "success" : "error"}>{walk.ok ? t("ok") : t("notOk")}</StatusIndicator>
          </Header>
        }
      >
        <SpaceBetween size="m">
          <ul className="walk-checks" data-testid="walk-checks">
            {walk.checks.map((check) => (
              <li key={`${check.name} ${check.sentence}`}>
                <StatusIndicator type={check.ok ? "success" : "error"}>
                  {check.ok ? t("check.ok") : t("check.fail")}: {check.sentence}
                </StatusIndicator>
              </li>
            ))}
            {walk.notes.map((note) => (
              <li key={note}>
                <StatusIndicator type="info">{note}</StatusIndicator>
              </li>
            ))}
          </ul>
          <KeyValuePairs
            columns={4}
            items={[
              ...(walk.chosen
                ? [
                    {
                      label: t("chosen"),
                      value: (
                        <>
                          {walk.chosen.name ?? walk.chosen.target} ({walk.chosen.address})
                          <Box color="text-body-secondary">{walk.chosen.sentence}</Box>
                        </>
                      ),
                    },
                  ]
                : []),
              ...(geneve
                ? [
                    { label: "VNI", value: String(geneve.vni) },
                    { label: t("geneve.endpoint"), value: geneve.endpoint },
                    { label: t("geneve.attachment"), value: String(geneve.attachment) },
                    { label: t("geneve.cookie"), value: `0x${geneve.cookie.toString(16).padStart(8, "0")}` },
                    {
                      label: t("geneve.outer"),
                      value: `${geneve.outer_source}:${String(geneve.outer_source_port)} → ${geneve.outer_destination}:6081`,
                    },
                  ]
                : [
                    {
                      label: "GENEVE",
                      value: t(walk.legs.some((leg) => leg.by_passed) ? "geneve.none" : "geneve.hidden"),
                    },
                  ]),
            ]}
          />
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  );
}
