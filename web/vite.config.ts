import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "/console/",
  plugins: [react()],
  resolve: {
    alias: {
      // The tokens' package names its custom properties by other hashes than the components that define them: these are theirs.
      "@cloudscape-design/design-tokens": fileURLToPath(
        new URL("node_modules/@cloudscape-design/components/internal/generated/styles/tokens.js", import.meta.url),
      ),
    },
  },
  build: {
    outDir: "../src/opengwlb/console/static",
    emptyOutDir: true,
    // Fonts stay files of their own, each fetched when one of its letters is shown: 120 subsets of Korean would be 3.7 MB inline.
    assetsInlineLimit: (path) => (path.endsWith(".woff2") ? false : undefined),
    chunkSizeWarningLimit: 1500,
  },
  server: {
    // GWLB=http://HOST:PORT is the server that a page under development asks.
    proxy: Object.fromEntries(
      ["/console/api", "/_gwlb"].map((path) => [path, process.env.GWLB ?? "http://127.0.0.1:4566"]),
    ),
  },
  test: {
    environment: "jsdom",
    isolate: false,
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing/setup.ts"],
  },
});
