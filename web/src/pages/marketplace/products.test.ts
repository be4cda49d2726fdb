import { expect, test } from "vitest";
import type { ProductRow } from "../../generated/read-api";
import { products, title } from "./products";

const row = (code: string, version: string): ProductRow => ({
  id: `ami-${code}${version}`,
  name: `acme/${code}`,
  kind: "oci",
  vendor: "Acme",
  version,
  owner: "aws-marketplace",
  region: "",
  size_bytes: 0,
  product_code: code,
  description: "",
  in_kernel: false,
  public: true,
  source: "",
  checksum: "",
  starts: [],
  licence: "",
  certification: null,
  accepted: false,
});

test("versions of a product are one product, and the newest is what is launched", () => {
  const found = products([row("fw", "1.0"), row("ids", "3.0"), row("fw", "2.0")]);
  expect(found.map((one) => [one.code, one.newest.version, one.versions.length])).toEqual([
    ["fw", "2.0", 2],
    ["ids", "3.0", 1],
  ]);
});

test("a product is called by its name without its shop", () => {
  expect(title(row("fw", "1.0"))).toBe("fw");
});
