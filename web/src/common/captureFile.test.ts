import { expect, test } from "vitest";
import { fileName } from "./captureFile";

test("a download has the server's name, quoted or not, and one of ours when the server says none", () => {
  expect(fileName('attachment; filename="vpce-1.pcapng"', "x")).toBe("vpce-1.pcapng");
  expect(fileName("attachment; filename=vpce-1.pcapng", "x")).toBe("vpce-1.pcapng");
  expect(fileName(null, "x")).toBe("x");
});
