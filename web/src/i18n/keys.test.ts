import { expect, test } from "vitest";

const files = import.meta.glob<Record<string, unknown>>("./{en,ko}/*.json", { eager: true, import: "default" });
const namespaces = [...new Set(Object.keys(files).map((path) => path.split("/")[2] ?? ""))];

function keys(texts: unknown, prefix = ""): string[] {
  if (typeof texts !== "object" || texts === null) return [prefix];
  return Object.entries(texts).flatMap(([key, value]) => keys(value, `${prefix}.${key}`));
}

/** Korean has one plural form, English two: the forms of one key count as one. */
const forms = (texts: unknown) => [...new Set(keys(texts).map((key) => key.replace(/_(one|other)$/, "")))].sort();

test.each(namespaces)("%s has the same keys in English and Korean", (file) => {
  expect(forms(files[`./ko/${file}`])).toEqual(forms(files[`./en/${file}`]));
});

const holes = (text: unknown) => [...String(text).matchAll(/{{\s*(\w+)/g)].map((found) => found[1]).sort();

function texts(found: unknown, prefix = ""): [string, string][] {
  if (typeof found !== "object" || found === null) return [[prefix.replace(/_(one|other)$/, ""), String(found)]];
  return Object.entries(found).flatMap(([key, value]) => texts(value, `${prefix}.${key}`));
}

test.each(namespaces)("%s fills the same holes in both languages, and says nothing empty", (file) => {
  const korean = new Map(texts(files[`./ko/${file}`]));
  for (const [key, english] of texts(files[`./en/${file}`])) {
    expect(english, key).not.toBe("");
    expect([...new Set(holes(korean.get(key)))], key).toEqual([...new Set(holes(english))]);
  }
});
