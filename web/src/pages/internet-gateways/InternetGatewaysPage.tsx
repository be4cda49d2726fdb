import Button from "@cloudscape-design/components/button";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws } from "../../api/aws";
import { Actions } from "../../common/Actions";
import { textColumn } from "../../common/columns";
import { tagName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import { useSelected } from "../../common/useSelected";
import { VpcLink } from "../../common/VpcLinks";
import type { ec2 } from "../../generated/aws";
import { useGatewayActions, vpcOf } from "./useGatewayActions";

const idOf = (gateway: ec2.InternetGateway) => gateway.InternetGatewayId ?? "";
export default function InternetGatewaysPage() {
  const { t } = useTranslation(["internet-gateways", "common", "network"]);
  const navigate = useNavigate();
  const gateways = useAws("ec2", "DescribeInternetGateways", {});
  const { selected, onSelect, only } = useSelected(gateways.data?.InternetGateways, idOf);
  const { items, dialog } = useGatewayActions(only);
  return (
    <>
      <ResourceTable<ec2.InternetGateway>
        title={t("title")}
        items={gateways.data?.InternetGateways}
        loading={gateways.isPending}
        error={gateways.error}
        id={idOf}
        selected={selected}
        onSelect={onSelect}
        columns={[
          textColumn("name", t("common:name"), tagName),
          textColumn("id", t("id"), idOf, (one) => (
            <ResourceLink to={`/internet-gateways/${idOf(one)}`}>{idOf(one)}</ResourceLink>
          )),
          textColumn("state", t("common:state"), vpcOf, (one) => (
            <StateOf state={vpcOf(one) ? "attached" : "detached"} />
          )),
          textColumn("vpc", "VPC", vpcOf, (one) => <VpcLink id={vpcOf(one)} />),
          textColumn("owner", t("network:owner"), (one) => one.OwnerId),
        ]}
        empty={{ title: t("empty") }}
        actions={
          <>
            <Actions disabled={!only} items={items} />
            <Button variant="primary" data-testid="create" onClick={() => void navigate("/internet-gateways/create")}>
              {t("create.title")}
            </Button>
          </>
        }
      />
      {dialog}
    </>
  );
}
