import { useAws } from "../api/aws";
import { ErrorAlert } from "./ErrorAlert";
import { TagsPanel } from "./TagsPanel";

/** The tab "Tags" of a load balancer or a target group, whose descriptions have no tags: they are asked for apart. */
export function ElbTags({ arn }: { arn: string }) {
  const { data, error } = useAws("elbv2", "DescribeTags", { ResourceArns: [arn] });
  if (error) return <ErrorAlert error={error} />;
  return <TagsPanel id={arn} tags={data?.TagDescriptions?.find((one) => one.ResourceArn === arn)?.Tags} />;
}
