/**
 * The status of a virtual participant, as GraphQL writes it. INVITED and KICKED are what was asked of it; the others
 * are evidence, and only the container that runs the participant writes them.
 */
export type VpStatus = 'AVAILABLE' | 'INVITED' | 'CONNECTED' | 'PUBLISHED' | 'KICKED' | 'ERRORED' | 'STOPPED';

/** A status as `vp.update` writes it, in lower case. */
export type VpStatusOnWire = Lowercase<VpStatus>;

/**
 * For each status, the statuses it may directly follow; `NONE` stands for a participant without a record.
 * It stays plain data: the AppSync resolvers bundle it, and their runtime lacks most of the language.
 */
export const LEGAL_PREDECESSORS: Readonly<Record<VpStatus, readonly (VpStatus | 'NONE')[]>> = {
  AVAILABLE: ['NONE', 'INVITED', 'CONNECTED', 'PUBLISHED', 'KICKED', 'ERRORED', 'STOPPED'],
  INVITED: ['AVAILABLE', 'CONNECTED', 'PUBLISHED'],
  CONNECTED: ['INVITED', 'PUBLISHED'],
  PUBLISHED: ['CONNECTED'],
  KICKED: ['INVITED', 'CONNECTED', 'PUBLISHED'],
  ERRORED: ['NONE', 'AVAILABLE', 'INVITED', 'CONNECTED', 'PUBLISHED', 'KICKED'],
  STOPPED: ['NONE', 'AVAILABLE', 'INVITED', 'CONNECTED', 'PUBLISHED', 'KICKED', 'ERRORED'],
};

/** Whether a record that says `from` (`NONE`: there is no record) may next say `to`. */
export function isLegalTransition(from: VpStatus | 'NONE', to: VpStatus): boolean {
  return LEGAL_PREDECESSORS[to].includes(from);
}

/**
 * The statuses to report one after another, so that a record that says `from` comes to say `to` by legal transitions
 * alone: none if it says so already; `null` if there is no way, which means that the record knows better (it was kicked
 * meanwhile).
 *
 * CONNECTED is the only status that another one implies: the page may be seen to publish before its `vp.joined_stage`
 * was seen, when that was lost with a connection.
 */
export function legalSteps(from: VpStatus | 'NONE', to: VpStatus): VpStatus[] | null {
  if (from === to) return [];
  if (isLegalTransition(from, to)) return [to];
  return to === 'PUBLISHED' && isLegalTransition(from, 'CONNECTED') ? ['CONNECTED', to] : null;
}
