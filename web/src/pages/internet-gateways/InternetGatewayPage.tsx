import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { useAws } from "../../api/aws";
import { Actions } from "../../common/Actions";
import { CaptureButton } from "../../common/CaptureButton";
import { Copyable } from "../../common/Copyable";
import { DetailPage } from "../../common/DetailPage";
import { Findings } from "../../common/Findings";
import { idAndName, tagName } from "../../common/names";
import { useNotify } from "../../common/notify";
import { ResourceLink } from "../../common/ResourceLink";
import { StateOf } from "../../common/StateOf";
import { TagsPanel } from "../../common/TagsPanel";
import { VpcLink } from "../../common/VpcLinks";
import { useGatewayActions, vpcOf } from "./useGatewayActions";

export default function InternetGatewayPage() {
  const { t } = useTranslation(["internet-gateways", "common", "network", "tags"]);
  const { id = "" } = useParams();
  const navigate = useNavigate();
  const notify = useNotify();
  const { data, error } = useAws("ec2", "DescribeInternetGateways", { InternetGatewayIds: [id] });
  const tables = useAws("ec2", "DescribeRouteTables", { Filters: [{ Name: "association.gateway-id", Values: [id] }] });
  const gateway = data?.InternetGateways?.find((one) => one.InternetGatewayId === id);
  const edge = tables.data?.RouteTables?.[0];
  const { items, dialog } = useGatewayActions(gateway, () => {
    notify.success(t("deleted", { id }));
    void navigate("/internet-gateways");
  });
  const vpc = gateway && vpcOf(gateway);
  return (
    <>
      <DetailPage
        title={idAndName(id, gateway ?? {})}
        error={error}
        ready={gateway !== undefined}
        actions={
          <>
            {vpc && <CaptureButton port={id} />}
            <Actions items={items} />
          </>
        }
        details={[
          { label: t("id"), value: <Copyable text={id} /> },
          { label: t("common:state"), value: <StateOf state={vpc ? "attached" : "detached"} /> },
          { label: "VPC", value: <VpcLink id={vpc} /> },
          { label: t("network:owner"), value: gateway?.OwnerId },
          {
            label: t("edge"),
            value: edge ? (
              <ResourceLink to={`/route-tables/${edge.RouteTableId ?? ""}`}>
                {tagName(edge) || edge.RouteTableId}
              </ResourceLink>
            ) : (
              t("common:none")
            ),
          },
        ]}
        notice={<Findings resource={id} />}
        tabs={[{ id: "tags", label: t("tags:title"), content: <TagsPanel id={id} tags={gateway?.Tags} /> }]}
      />
      {dialog}
    </>
  );
}
