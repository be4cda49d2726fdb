import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useTranslation } from "react-i18next";
import { KindIcon } from "../../common/KindIcon";
import type { Chain, Drawn } from "./drawing";
import type { Owners } from "./links";
import { ResourceName, Sentence } from "./ResourceName";

/** One direction, hop by hop. */
export function ChainView({ chain, owners }: { chain: Chain; owners: Owners }) {
  const { t } = useTranslation("reachability");
  return (
    <Container
      fitHeight
      header={
        <Header
          variant="h2"
          actions={
            <StatusIndicator type={chain.arrives ? "success" : "error"}>
              {chain.arrives ? t("arrives") : t("ends")}
            </StatusIndicator>
          }
        >
          {t(`direction.${chain.direction}`)}
        </Header>
      }
    >
      <ol
        className="reach-chain"
        aria-label={t(`direction.${chain.direction}`)}
        data-testid={`chain-${chain.direction}`}
      >
        {chain.boxes.map((box, at) => (
          <Hop key={`${String(at)} ${box.step.at}`} box={box} owners={owners} />
        ))}
      </ol>
    </Container>
  );
}

function Hop({ box: { step, kind, look }, owners }: { box: Drawn; owners: Owners }) {
  const { t } = useTranslation("reachability");
  return (
    <li className={`reach-hop ${look}`} data-testid={look === "blocked" ? "blocked-hop" : undefined}>
      <span className="reach-icon">
        <KindIcon kind={kind} />
      </span>
      <div className="reach-said">
        <div className="reach-head">
          <b>{t(`kind.${kind}`)}</b>
          <ResourceName id={step.at} owners={owners} />
          <code>{step.decision}</code>
          {look === "blocked" && <StatusIndicator type="error">{t("endsHere")}</StatusIndicator>}
        </div>
        <div>
          <Sentence text={step.sentence} owners={owners} />
        </div>
        {step.zone && (
          <div>
            <b>{t("appliance")}</b> {step.target && <ResourceName id={step.target} owners={owners} />} {step.address} ·{" "}
            {step.zone}
          </div>
        )}
        {step.packet && (
          <Box color="text-body-secondary" fontSize="body-s">
            {step.packet}
          </Box>
        )}
      </div>
    </li>
  );
}
