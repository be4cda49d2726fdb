import { expect, test } from "vitest";
import { EMPTY, importCommand, importQuestion, mistakes, sourceOf, words } from "./importing";

const where = { account: "111111111111", region: "ap-northeast-2" };
const form = { ...EMPTY, source: " /srv/fw.oci.tar ", name: "acme/fw" };

test("a registry reference gets its transport once", () => {
  expect(sourceOf({ way: "registry", source: "host/fw:1" })).toBe("docker://host/fw:1");
  expect(sourceOf({ way: "registry", source: "docker://host/fw:1" })).toBe("docker://host/fw:1");
  expect(sourceOf({ way: "url", source: "https://host/fw.tar" })).toBe("https://host/fw.tar");
});

test("a command line is split as a shell splits it, and an open quote is no command line", () => {
  expect(words(`/start -c "a \\"b\\"" 'it is' x\\ y`)).toEqual(["/start", "-c", 'a "b"', "it is", "x y"]);
  expect(words("  ")).toEqual([]);
  expect(words("/start 'open")).toBeNull();
});

test("the question has bytes, words and nothing for a kind that is found out", () => {
  const asked = importQuestion({ ...form, command: "/start now", maxGib: "0.5" }, where);
  expect(asked).toMatchObject({
    source: "/srv/fw.oci.tar",
    kind: null,
    command: ["/start", "now"],
    limit_bytes: 2 ** 29,
    owner: "111111111111",
  });
});

test("the command says what was chosen, quoted where a shell would split it", () => {
  expect(importCommand({ ...form, vendor: "It's Acme", kind: "disk", isPublic: true }, where)).toBe(
    `gwlb image import /srv/fw.oci.tar --as acme/fw --vendor 'It'"'"'s Acme' --kind disk` +
      " --owner 111111111111 --region ap-northeast-2 --public",
  );
});

test("what cannot be sent is said by field", () => {
  expect(mistakes(form)).toEqual([]);
  expect(mistakes({ ...EMPTY, command: "'", maxGib: "much" })).toEqual(["source", "name", "command", "maxGib"]);
});
