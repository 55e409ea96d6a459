/** A virtual participant that was not seen for so long does not count as there: three heartbeats. */
export const SEEN_WITHIN_MS = 30_000;
