import type { MapNode } from "../generated/read-api";

export type IconKind = MapNode["kind"] | "internet";

/** 24 by 24, drawn with the colour of the text around it. */
const PATHS: Record<IconKind, string> = {
  vpc: "M7 18a4 4 0 0 1-.5-8A6 6 0 0 1 18 9.5 4.2 4.2 0 0 1 17.5 18Z",
  subnet: "M4 4h16v16H4ZM4 12h16M12 4v16",
  "route-table": "M4 5h16v14H4ZM4 10h16M10 10v9M13 14h4m-1.5-1.5L17 14l-1.5 1.5",
  "internet-gateway": "M5 21V12a7 7 0 0 1 14 0v9M12 21v-8m-3 3 3-3 3 3",
  "network-interface": "M4 7h16v10H4ZM8 17v3m4-3v3m4-3v3M8 7v4m4-4v4m4-4v4",
  endpoint: "M12 3l8 4.5v9L12 21l-8-4.5v-9ZM9 12h6m-2-2 2 2-2 2",
  "endpoint-service": "M12 3l8 4.5v9L12 21l-8-4.5v-9ZM12 9a3 3 0 1 0 .01 0",
  "load-balancer": "M4 12h5M9 12l7-6h4M9 12h11M9 12l7 6h4M18 4l2 2-2 2M18 10l2 2-2 2M18 16l2 2-2 2",
  "target-group": "M12 4a8 8 0 1 0 .01 0M12 8a4 4 0 1 0 .01 0M12 11.5a.5.5 0 1 0 .01 0",
  target: "M12 3l7 3v6c0 4-3 7-7 9-4-2-7-5-7-9V6ZM9 12l2 2 4-4",
  instance: "M7 7h10v10H7ZM10 7V4m4 3V4m-4 16v-3m4 3v-3M7 10H4m3 4H4m16-4h-3m3 4h-3",
  internet: "M12 3a9 9 0 1 0 .01 0M3 12h18M12 3c-5 5-5 13 0 18c5-5 5-13 0-18",
};

/** Decoration: the kind is said in words beside it. */
export function KindIcon({ kind, size = 24 }: { kind: IconKind; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinejoin="round"
      strokeLinecap="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[kind]} />
    </svg>
  );
}
