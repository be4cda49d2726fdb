import type { Draft, Field, Made, Missing } from "./draft";

/** What every step of the wizard is given. */
export interface StepProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  errorAt: (field: Field | Missing) => string | undefined;
  made: Made;
}
