import { i18nReady } from "../i18n";

await i18nReady;
