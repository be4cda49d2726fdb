import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { useAws } from "../../api/aws";
import { useRead } from "../../api/read";
import { Certified } from "../../common/Certified";
import { CommandText } from "../../common/CommandText";
import { DetailPage } from "../../common/DetailPage";
import { StateOf } from "../../common/StateOf";
import { TagsPanel } from "../../common/TagsPanel";
import type { ImagesAnswer } from "../../generated/read-api";
import { useFormat } from "../../i18n/format";
import { useScope } from "../../session/scope";
import { ImageActions } from "./ImageActions";
import { SharedWith } from "./SharedWith";

export default function ImagePage() {
  const { t } = useTranslation(["images", "common", "certify"]);
  const { id = "" } = useParams();
  const navigate = useNavigate();
  const format = useFormat();
  const { account } = useScope();
  const answer = useAws("ec2", "DescribeImages", { ImageIds: [id] });
  const details = useRead<ImagesAnswer>("images");
  const image = answer.data?.Images?.[0];
  const about = details.data?.images.find((one) => one.id === id);
  return (
    <DetailPage
      title={image?.Name ?? id}
      error={answer.error}
      ready={image !== undefined}
      actions={
        <>
          <ImageActions image={image} onGone={() => void navigate("/images")} />
          <Button variant="primary" data-testid="launch" onClick={() => void navigate(`/instances/launch?image=${id}`)}>
            {t("launch")}
          </Button>
        </>
      }
      details={[
        { label: "AMI ID", value: id },
        { label: t("description"), value: image?.Description || "–" },
        { label: t("owner"), value: image?.ImageOwnerAlias ?? image?.OwnerId },
        { label: t("visibility"), value: image?.Public ? t("public") : t("private") },
        { label: t("common:state"), value: <StateOf state={image?.State} /> },
        { label: t("vendor"), value: about?.vendor || "–" },
        { label: t("version"), value: about?.version || "–" },
        { label: t("kind"), value: about?.kind || "–" },
        { label: t("size"), value: about?.size_bytes ? format.bytes(about.size_bytes) : "–" },
        { label: t("handling"), value: about?.in_kernel ? t("inKernel") : t("userSpace") },
        { label: t("starts"), value: about?.starts.join(" ") || "–" },
        { label: t("source"), value: about?.source || "–" },
        { label: t("checksum"), value: about?.checksum || "–" },
        { label: t("certify:title"), value: <Certified result={about?.certification} /> },
      ]}
      tabs={[
        {
          id: "certify",
          label: t("certify:title"),
          content: (
            <SpaceBetween size="s">
              <Box>{t("certify:explained")}</Box>
              <CommandText text={`sudo gwlb certify ${id} --out report`} />
            </SpaceBetween>
          ),
        },
        ...(image?.OwnerId === account
          ? [{ id: "permissions", label: t("permissions.tab"), content: <SharedWith id={id} /> }]
          : []),
        { id: "tags", label: t("tags"), content: <TagsPanel id={id} tags={image?.Tags} /> },
      ]}
    />
  );
}
