/** Which connections the provider can still answer, as AWS has it: also an accepted one can be rejected, and a rejected one accepted. */

const ACCEPTABLE = ["pendingAcceptance", "rejected"];
const REJECTABLE = ["pendingAcceptance", "pending", "available"];

export const acceptable = (state: string | undefined): boolean => ACCEPTABLE.includes(state ?? "");
export const rejectable = (state: string | undefined): boolean => REJECTABLE.includes(state ?? "");
