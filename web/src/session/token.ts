/** The login token of `gwlb console` stands behind `#`, which no server and no log sees; it is taken out of the address at once. */
export function takeToken(): string | null {
  const found = new URLSearchParams(window.location.hash.slice(1)).get("token");
  if (found !== null) window.history.replaceState(null, "", window.location.pathname + window.location.search);
  return found;
}
