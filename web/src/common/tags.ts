/** Tags as forms hold them, and what EC2's calls want of them. */

export interface Tag {
  Key: string;
  Value: string;
}

interface MaybeTag {
  Key?: string | undefined;
  Value?: string | undefined;
}

export const tagList = (tags: readonly MaybeTag[] | undefined): Tag[] =>
  (tags ?? []).map((tag) => ({ Key: tag.Key ?? "", Value: tag.Value ?? "" }));

/** `TagSpecifications` of a Create call: the Name field and further tags; undefined for none. A row without key and value is no tag. */
export function tagSpecifications<K extends string>(resourceType: K, name: string, tags: readonly Tag[]) {
  const all = [...(name === "" ? [] : [{ Key: "Name", Value: name }]), ...tags.filter((tag) => tag.Key || tag.Value)];
  return all.length === 0 ? undefined : [{ ResourceType: resourceType, Tags: all }];
}

/** What makes `before` into `after`: tags for CreateTags, keys for DeleteTags. */
export function tagChanges(before: readonly Tag[], after: readonly Tag[]): { put: Tag[]; remove: { Key: string }[] } {
  const wanted = after.filter((tag) => tag.Key || tag.Value);
  const known = new Map(before.map((tag) => [tag.Key, tag.Value]));
  return {
    put: wanted.filter((tag) => known.get(tag.Key) !== tag.Value),
    remove: before.filter((tag) => !wanted.some((one) => one.Key === tag.Key)).map((tag) => ({ Key: tag.Key })),
  };
}

interface Put {
  Tags: Tag[];
}

type TagCall =
  | { service: "ec2"; operation: "CreateTags"; parameters: Put & { Resources: string[] } }
  | { service: "ec2"; operation: "DeleteTags"; parameters: { Resources: string[]; Tags: { Key: string }[] } }
  | { service: "elbv2"; operation: "AddTags"; parameters: Put & { ResourceArns: string[] } }
  | { service: "elbv2"; operation: "RemoveTags"; parameters: { ResourceArns: string[]; TagKeys: string[] } };

/** The calls that make `before` into `after`: EC2's for an id, Elastic Load Balancing's for an ARN. */
export function tagCalls(id: string, before: readonly Tag[], after: readonly Tag[]): TagCall[] {
  const { put, remove } = tagChanges(before, after);
  const keys = remove.map((tag) => tag.Key);
  const elb = id.startsWith("arn:");
  const calls: TagCall[] = [];
  if (put.length > 0 && elb)
    calls.push({ service: "elbv2", operation: "AddTags", parameters: { ResourceArns: [id], Tags: put } });
  else if (put.length > 0)
    calls.push({ service: "ec2", operation: "CreateTags", parameters: { Resources: [id], Tags: put } });
  if (keys.length > 0 && elb)
    calls.push({ service: "elbv2", operation: "RemoveTags", parameters: { ResourceArns: [id], TagKeys: keys } });
  else if (keys.length > 0)
    calls.push({ service: "ec2", operation: "DeleteTags", parameters: { Resources: [id], Tags: remove } });
  return calls;
}
