/** What the import form asks of the server, and the command that asks the same. */

export type Way = "file" | "url" | "registry";
export const WAYS: readonly Way[] = ["file", "url", "registry"];
/** What a source is; `auto` looks. */
export const KINDS = ["auto", "oci", "rootfs", "disk"] as const;
export type Kind = (typeof KINDS)[number];

export interface ImportForm {
  way: Way;
  source: string;
  kind: Kind;
  name: string;
  vendor: string;
  version: string;
  description: string;
  licence: string;
  command: string;
  maxGib: string;
  inKernel: boolean;
  isPublic: boolean;
}

export const EMPTY: ImportForm = {
  way: "file",
  source: "",
  kind: "auto",
  name: "",
  vendor: "",
  version: "",
  description: "",
  licence: "",
  command: "",
  maxGib: "32",
  inKernel: false,
  isPublic: false,
};

const GIB = 2 ** 30;

/** As the server takes it: a registry reference begins with its transport. */
export function sourceOf({ way, source }: Pick<ImportForm, "way" | "source">): string {
  const typed = source.trim();
  return way === "registry" && !typed.startsWith("docker://") ? `docker://${typed}` : typed;
}

/** The words of a command line, by the quotes and backslashes that a POSIX shell knows. Null where a quote stays open. */
export function words(line: string): string[] | null {
  const found: string[] = [];
  let rest = line.trim();
  while (rest !== "") {
    const word = /^(?:[^\s'"\\]|\\[\s\S]|'[^']*'|"(?:[^"\\]|\\[\s\S])*")+/.exec(rest)?.[0];
    if (word === undefined) return null;
    found.push(unquoted(word));
    rest = rest.slice(word.length);
    if (rest !== "" && !/^\s/.test(rest)) return null;
    rest = rest.trimStart();
  }
  return found;
}

function unquoted(word: string): string {
  return word.replace(
    /\\([\s\S])|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"/g,
    (_, escaped?: string, single?: string, double?: string) =>
      escaped ?? single ?? (double ?? "").replace(/\\(["\\$`])/g, "$1"),
  );
}

/** The body of POST images. `account` owns the image. */
export function importQuestion(form: ImportForm, { account, region }: { account: string; region: string }) {
  return {
    source: sourceOf(form),
    name: form.name.trim(),
    vendor: form.vendor,
    version: form.version,
    licence: form.licence,
    description: form.description,
    kind: form.kind === "auto" ? null : form.kind,
    command: words(form.command) ?? [],
    in_kernel: form.inKernel,
    public: form.isPublic,
    owner: account,
    region,
    limit_bytes: Math.floor(Number(form.maxGib) * GIB),
  };
}

/** The same on the command line; a licence is a file there. */
export function importCommand(form: ImportForm, { account, region }: { account: string; region: string }): string {
  const said: [option: string, value: string, asking: boolean][] = [
    ["--as", form.name.trim(), form.name.trim() !== ""],
    ["--vendor", form.vendor, form.vendor !== ""],
    ["--version", form.version, form.version !== ""],
    ["--description", form.description, form.description !== ""],
    ["--license", "LICENSE.txt", form.licence !== ""],
    ["--kind", form.kind, form.kind !== "auto"],
    ["--command", form.command, form.command !== ""],
    ["--max-gib", form.maxGib, form.maxGib !== EMPTY.maxGib],
    ["--owner", account, true],
    ["--region", region, true],
  ];
  const options = said.flatMap(([option, value, asking]) => (asking ? [option, quoted(value)] : []));
  const switches = [...(form.inKernel ? ["--in-kernel"] : []), ...(form.isPublic ? ["--public"] : [])];
  return ["gwlb image import", quoted(sourceOf(form) || "SOURCE"), ...options, ...switches].join(" ");
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

export type ImportField = "source" | "name" | "command" | "maxGib";

/** What no server is asked about, as it would be read as something else. */
export function mistakes(form: ImportForm): ImportField[] {
  const found: ImportField[] = [];
  if (form.source.trim() === "") found.push("source");
  if (form.name.trim() === "") found.push("name");
  if (words(form.command) === null) found.push("command");
  if (!(Number(form.maxGib) > 0)) found.push("maxGib");
  return found;
}
