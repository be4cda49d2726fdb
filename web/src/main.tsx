import "@cloudscape-design/global-styles/index.css";
import "@fontsource-variable/noto-sans-kr";
import "./main.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { i18nReady } from "./i18n";
import { firstTheme, setFonts, setTheme } from "./shell/theme";

setFonts();
setTheme(firstTheme());
await i18nReady;
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root.");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
