/** Every text is a key of `en/<namespace>.json` and `ko/<namespace>.json`, one namespace for each folder of pages. */

import i18next from "i18next";
import { initReactI18next } from "react-i18next";

export const LANGUAGES = ["en", "ko"] as const;
export type Language = (typeof LANGUAGES)[number];

type Texts = Record<string, unknown>;
const files = import.meta.glob<Texts>("./{en,ko}/*.json", { eager: true, import: "default" });

function resources(): Record<string, Record<string, Texts>> {
  const found: Record<string, Record<string, Texts>> = {};
  for (const [path, texts] of Object.entries(files)) {
    const [, language, namespace] = /^\.\/(\w+)\/(.+)\.json$/.exec(path) ?? [];
    if (language && namespace) (found[language] ??= {})[namespace] = texts;
  }
  return found;
}

const KEY = "gwlb.language";

export function firstLanguage(remembered: string | null, preferred: readonly string[]): Language {
  const wanted = [remembered, ...preferred].map((one) => one?.slice(0, 2));
  return LANGUAGES.find((one) => one === wanted.find((two) => LANGUAGES.some((known) => known === two))) ?? "en";
}

export const i18nReady = i18next.use(initReactI18next).init({
  resources: resources(),
  lng: firstLanguage(localStorage.getItem(KEY), navigator.languages),
  fallbackLng: "en",
  defaultNS: "common",
  interpolation: { escapeValue: false },
  returnNull: false,
});

export function setLanguage(language: Language): void {
  localStorage.setItem(KEY, language);
  void i18next.changeLanguage(language);
}

export function knownLanguage(language: string): Language {
  return language === "ko" ? "ko" : "en";
}
