import Button from "@cloudscape-design/components/button";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws } from "../../api/aws";
import { useRead } from "../../api/read";
import { Certified } from "../../common/Certified";
import { textColumn } from "../../common/columns";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import { useSelected } from "../../common/useSelected";
import type { ec2 } from "../../generated/aws";
import type { ImagesAnswer } from "../../generated/read-api";
import { useSession } from "../../session/session";
import { ImageActions } from "./ImageActions";

const idOf = (image: ec2.Image) => image.ImageId ?? "";

/** What instances start from, with what AWS has no members for beside it. */
export default function ImagesPage() {
  const { t } = useTranslation(["images", "common", "certify"]);
  const navigate = useNavigate();
  const { current } = useSession();
  const answer = useAws("ec2", "DescribeImages", {});
  const details = useRead<ImagesAnswer>("images");
  const about = new Map(details.data?.images.map((one) => [one.id, one]));
  const { selected, onSelect, only } = useSelected(answer.data?.Images, idOf);
  return (
    <ResourceTable<ec2.Image>
      title={t("title")}
      description={t("explained")}
      items={answer.data?.Images}
      loading={answer.isPending}
      error={answer.error}
      id={idOf}
      selected={selected}
      onSelect={onSelect}
      columns={[
        { ...textColumn<ec2.Image>("name", t("amiName"), (one) => one.Name), minWidth: 220 },
        {
          ...textColumn<ec2.Image>("id", "AMI ID", idOf, (one) => (
            <ResourceLink to={`/images/${idOf(one)}`}>{idOf(one)}</ResourceLink>
          )),
          minWidth: 200,
        },
        textColumn("vendor", t("vendor"), (one) => about.get(idOf(one))?.vendor),
        textColumn("version", t("version"), (one) => about.get(idOf(one))?.version),
        textColumn("kind", t("kind"), (one) => about.get(idOf(one))?.kind),
        textColumn("owner", t("owner"), (one) => one.ImageOwnerAlias ?? one.OwnerId),
        textColumn("visibility", t("visibility"), (one) => (one.Public ? t("public") : t("private"))),
        textColumn(
          "state",
          t("common:state"),
          (one) => one.State,
          (one) => <StateOf state={one.State} />,
        ),
        {
          id: "certified",
          header: t("certify:title"),
          cell: (one) => <Certified result={about.get(idOf(one))?.certification} />,
          minWidth: 200,
        },
      ]}
      empty={{ title: t("empty") }}
      actions={
        <>
          <ImageActions image={only} />
          {current.operator && (
            <Button data-testid="import" onClick={() => void navigate("/images/import")}>
              {t("import.title")}
            </Button>
          )}
          <Button
            variant="primary"
            data-testid="launch"
            disabled={!only}
            onClick={() => void navigate(`/instances/launch?image=${only ? idOf(only) : ""}`)}
          >
            {t("launch")}
          </Button>
        </>
      }
    />
  );
}
