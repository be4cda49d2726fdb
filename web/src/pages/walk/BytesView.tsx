import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Hop } from "./answer";
import { fieldAt, hexRows, letter, lines, nodeAt, type Path, twoDigits } from "./bytes";

const INDENT = 16;

/** Headers and fields beside the bytes that they are: choosing either shows the other. */
export function BytesView({ hop }: { hop: Hop }) {
  const { t } = useTranslation("walk");
  const [chosen, setChosen] = useState<Path | null>(null);
  const [closed, setClosed] = useState<ReadonlySet<Path>>(new Set());
  const node = nodeAt(hop.tree, chosen);
  const isIn = (offset: number) => node !== null && offset >= node.offset && offset < node.offset + node.length;
  const choose = (path: Path, has: boolean) => {
    if (has && path === chosen) {
      const next = new Set(closed);
      if (!next.delete(path)) next.add(path);
      setClosed(next);
    }
    setChosen(path);
  };
  return (
    <div className="walk-bytes">
      <div className="walk-tree" role="group" aria-label={t("tree")}>
        {lines(hop.tree, closed).map(({ path, depth, node: one }) => {
          const has = one.children.length > 0;
          return (
            <button
              key={path}
              type="button"
              className={path === chosen ? "chosen" : ""}
              aria-pressed={path === chosen}
              aria-expanded={has ? !closed.has(path) : undefined}
              style={{ paddingInlineStart: 8 + depth * INDENT }}
              onClick={() => {
                choose(path, has);
              }}
            >
              <span className="walk-twist">{has ? (closed.has(path) ? "▸" : "▾") : ""}</span>
              <b>{one.name}</b>
              {one.value !== "" && `: ${one.value}`}
            </button>
          );
        })}
      </div>
      <div className="walk-hex" role="group" aria-label={t("hex")} tabIndex={0}>
        {hexRows(hop.bytes).map((row) => (
          <div key={row.offset} className="walk-hex-row">
            <span className="walk-soft">{row.offset.toString(16).padStart(4, "0")}</span>
            <span className="walk-hex-bytes">
              {row.bytes.map((byte, at) => (
                <span
                  key={at}
                  className={isIn(row.offset + at) ? "chosen" : ""}
                  onClick={() => {
                    setChosen(fieldAt(hop.tree, row.offset + at));
                  }}
                >
                  {twoDigits(byte)}
                </span>
              ))}
            </span>
            <span className="walk-letters">
              {row.bytes.map((byte, at) => (
                <span key={at} className={isIn(row.offset + at) ? "chosen" : ""}>
                  {letter(byte)}
                </span>
              ))}
            </span>
          </div>
        ))}
        {hop.frame_length * 2 > hop.bytes.length && (
          <div className="walk-soft">{t("cut", { shown: hop.bytes.length / 2, count: hop.frame_length })}</div>
        )}
      </div>
    </div>
  );
}
