import Box from "@cloudscape-design/components/box";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import { useTranslation } from "react-i18next";
import { durationFor } from "../../common/duration";
import type { DroppedPacket } from "../../generated/read-api";
import { useFormat } from "../../i18n/format";

/** The newest dropped packet, and those before it when asked for. */
export function LastPackets({ packets }: { packets: readonly DroppedPacket[] }) {
  const { t } = useTranslation("drops");
  const [newest, ...older] = packets;
  if (!newest) return <>–</>;
  return (
    <>
      <Packet one={newest} />
      {older.length > 0 && (
        <ExpandableSection variant="inline" headerText={t("more", { count: older.length })}>
          {older.map((one, place) => (
            <Packet key={place} one={one} />
          ))}
        </ExpandableSection>
      )}
    </>
  );
}

function Packet({ one }: { one: DroppedPacket }) {
  const { t, i18n } = useTranslation("drops");
  const format = useFormat();
  const age = durationFor(i18n.language)(one.age_s);
  return (
    <div>
      <Box variant="code">{one.packet}</Box>{" "}
      <Box variant="small">{t("ago", { age, bytes: format.bytes(one.length) })}</Box>
    </div>
  );
}
