/** What the design checker found, and which of it belongs beside a field. */

import type { AlertProps } from "@cloudscape-design/components/alert";
import { useRead } from "../api/read";
import { knownLanguage } from "../i18n";
import type { LintAnswer, LintFinding } from "../generated/read-api";
import { useTranslation } from "react-i18next";

/** Findings of everything that the account sees, the worst first; asked anew whenever something changes. */
export function useFindings(): readonly LintFinding[] {
  const { i18n } = useTranslation();
  const { data } = useRead<LintAnswer>("lint", { language: knownLanguage(i18n.language) });
  return data?.findings ?? [];
}

/** Those of a resource (id or ARN); with fields, only what these members of AWS's API cause. */
export function findingsOf(
  findings: readonly LintFinding[],
  resource: string,
  fields?: readonly string[],
): LintFinding[] {
  return findings.filter((one) => one.resource === resource && (fields?.includes(one.field) ?? true));
}

export const ALERTS: Record<LintFinding["severity"], AlertProps.Type> = {
  error: "error",
  warning: "warning",
  note: "info",
};
