import { expect, test } from "vitest";
import { tagCalls, tagChanges, tagSpecifications } from "./tags";

test("a name becomes the Name tag in front of the others; rows left empty are none", () => {
  const tags = [
    { Key: "team", Value: "net" },
    { Key: "", Value: "" },
  ];
  expect(tagSpecifications("vpc", "edge", tags)).toEqual([
    {
      ResourceType: "vpc",
      Tags: [
        { Key: "Name", Value: "edge" },
        { Key: "team", Value: "net" },
      ],
    },
  ]);
  expect(tagSpecifications("vpc", "", [])).toBeUndefined();
});

test("only tags that differ are written, and only those that are gone are removed", () => {
  const before = [
    { Key: "Name", Value: "a" },
    { Key: "old", Value: "1" },
    { Key: "same", Value: "s" },
  ];
  const after = [
    { Key: "Name", Value: "b" },
    { Key: "same", Value: "s" },
    { Key: "new", Value: "" },
  ];
  expect(tagChanges(before, after)).toEqual({
    put: [
      { Key: "Name", Value: "b" },
      { Key: "new", Value: "" },
    ],
    remove: [{ Key: "old" }],
  });
});

test("an ARN's tags are written by Elastic Load Balancing's calls, an id's by EC2's", () => {
  const [before, after] = [[{ Key: "old", Value: "1" }], [{ Key: "new", Value: "2" }]];
  expect(tagCalls("arn:aws:elasticloadbalancing:r:1:targetgroup/fw/00", before, after)).toEqual([
    {
      service: "elbv2",
      operation: "AddTags",
      parameters: { ResourceArns: ["arn:aws:elasticloadbalancing:r:1:targetgroup/fw/00"], Tags: after },
    },
    {
      service: "elbv2",
      operation: "RemoveTags",
      parameters: { ResourceArns: ["arn:aws:elasticloadbalancing:r:1:targetgroup/fw/00"], TagKeys: ["old"] },
    },
  ]);
  expect(tagCalls("vpc-1", before, after).map((one) => one.operation)).toEqual(["CreateTags", "DeleteTags"]);
  expect(tagCalls("vpc-1", after, after)).toEqual([]);
});
