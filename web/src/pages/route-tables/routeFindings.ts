/** Which finding is about which route. */

interface Finding {
  sentence: string;
  values: Record<string, string>;
}

/** The first finding about the route to a destination; a finding about a subnet is about the route to its block. */
export const ofDestination = <F extends Finding>(findings: readonly F[], destination: string): F | undefined =>
  findings.find((one) => (one.values.destination ?? one.values.cidr) === destination);

/** Findings that no route of the table is about: a route that is missing. */
export const ofNoRoute = <F extends Finding>(findings: readonly F[], destinations: readonly string[]): F[] =>
  findings.filter((one) => !destinations.some((destination) => ofDestination([one], destination)));
