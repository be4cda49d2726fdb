/** How AWS's console names things. */

interface Tagged {
  Tags?: { Key?: string; Value?: string }[];
}

export const tagName = (item: Tagged): string => item.Tags?.find((tag) => tag.Key === "Name")?.Value ?? "";

/** `subnet-1 (inspection)`: an id with its Name tag, where it has one. */
export const idAndName = (id: string | undefined, item: Tagged): string =>
  tagName(item) === "" ? (id ?? "") : `${id ?? ""} (${tagName(item)})`;

/** A Name tag as `TagSpecifications` of EC2's Create calls want it; nothing for an empty name. */
export function nameTag(resourceType: string, name: string) {
  return name === "" ? undefined : [{ ResourceType: resourceType, Tags: [{ Key: "Name", Value: name }] }];
}

/** The name within `arn:aws:elasticloadbalancing:…:loadbalancer/gwy/NAME/ID` or `…:targetgroup/NAME/ID`. */
export const arnName = (arn: string): string => arn.split("/").at(-2) ?? arn;
