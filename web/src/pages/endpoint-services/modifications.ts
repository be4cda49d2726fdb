/** What ModifyVpcEndpointServiceConfiguration wants for a changed list: what comes and what goes. */

export interface Difference {
  add: string[];
  remove: string[];
}

export const difference = (before: readonly string[], after: readonly string[]): Difference => ({
  add: after.filter((one) => !before.includes(one)),
  remove: before.filter((one) => !after.includes(one)),
});

/** A list as a parameter: empty ones are left out. */
export const given = (values: readonly string[]): string[] | undefined =>
  values.length === 0 ? undefined : [...values];
