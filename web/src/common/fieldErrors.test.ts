import { expect, test } from "vitest";
import { AwsError } from "../api/http";
import { fieldErrors } from "./fieldErrors";

const error = new AwsError("InvalidSubnetID.NotFound", "The subnet ID 'subnet-1' does not exist", "r-1", 400);

test("an error stands beside the field that caused it, with its code and request id", () => {
  const errors = fieldErrors(error, { name: /name/i, subnets: /subnet/i });
  expect(errors.at("subnets")).toBe("InvalidSubnetID.NotFound: The subnet ID 'subnet-1' does not exist (r-1)");
  expect(errors.at("name")).toBeUndefined();
  expect(errors.rest).toBeNull();
});

test("an error that no field caused is left over", () => {
  expect(fieldErrors(error, { name: /name/i }).rest).toBe(error);
  expect(fieldErrors(null, { name: /name/i }).rest).toBeNull();
});
