/** A frame's bytes and the fields that they are. */

import type { TreeNode } from "./answer";

/** Where a field is in the tree: `0.2.1`. */
export type Path = string;

export interface Line {
  path: Path;
  depth: number;
  node: TreeNode;
}

/** The lines of the tree that are to be seen: what is in a closed header is not. */
export function lines(tree: readonly TreeNode[], closed: ReadonlySet<Path>): Line[] {
  const under = (nodes: readonly TreeNode[], prefix: string, depth: number): Line[] =>
    nodes.flatMap((node, at) => {
      const path = `${prefix}${String(at)}`;
      return [{ path, depth, node }, ...(closed.has(path) ? [] : under(node.children, `${path}.`, depth + 1))];
    });
  return under(tree, "", 0);
}

/** The innermost field that a byte belongs to. */
export function fieldAt(tree: readonly TreeNode[], offset: number): Path | null {
  let found: Path | null = null;
  let nodes = tree;
  for (;;) {
    const at = nodes.findIndex((node) => offset >= node.offset && offset < node.offset + node.length);
    const node = nodes[at];
    if (!node) return found;
    found = found === null ? String(at) : `${found}.${String(at)}`;
    nodes = node.children;
  }
}

export function nodeAt(tree: readonly TreeNode[], path: Path | null): TreeNode | null {
  if (path === null) return null;
  let nodes = tree;
  let node: TreeNode | null = null;
  for (const at of path.split(".")) {
    node = nodes[Number(at)] ?? null;
    if (!node) return null;
    nodes = node.children;
  }
  return node;
}

export interface HexRow {
  offset: number;
  bytes: readonly number[];
}

export function hexRows(hex: string): HexRow[] {
  const bytes = toBytes(hex);
  const rows: HexRow[] = [];
  for (let offset = 0; offset < bytes.length; offset += 16)
    rows.push({ offset, bytes: [...bytes.subarray(offset, offset + 16)] });
  return rows;
}

export function toBytes(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export const twoDigits = (byte: number): string => byte.toString(16).padStart(2, "0");
export const letter = (byte: number): string => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : "·");
