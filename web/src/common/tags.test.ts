import { expect, test } from "vitest";
import { tagChanges, tagSpecifications } from "./tags";

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
