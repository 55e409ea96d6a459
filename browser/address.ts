import type { Asset } from '../machines/protocol.ts';
import { PATTERN } from './processor/sources.ts';

const TOKEN_KEY = 'vp.participantToken';

/** What the address bar asked for. */
export interface Address {
  /** `null`: nobody gave one. */
  participantToken: string | null;
  asset: Asset;
}

/** The file in the folder of assets that is played when the address names none. */
const DEFAULT_ASSET_NAME = 'counter.mp4';

/**
 * Reads `?token=` and `&asset=`, and takes the token out of the address bar and the history. It is kept for this tab
 * alone, so that a reload joins again.
 */
export function readAddress(location: Location, history: History, tab: Storage): Address {
  const url = new URL(location.href);
  const given = url.searchParams.get('token')?.trim();
  if (given) {
    rememberToken(tab, given);
    url.searchParams.delete('token');
    history.replaceState(history.state, '', url);
  }
  const loop = url.searchParams.get('loop') !== 'false';
  return {
    participantToken: given || tab.getItem(TOKEN_KEY),
    asset: assetOf(url.searchParams.get('asset') || DEFAULT_ASSET_NAME, loop),
  };
}

/** Keeps a token for this tab alone: the next load joins with it, and no address ever had it. */
export function rememberToken(tab: Storage, participantToken: string): void {
  tab.setItem(TOKEN_KEY, participantToken);
}

/** Forgets the token of this tab: the next load asks for one. */
export function forgetToken(tab: Storage): void {
  tab.removeItem(TOKEN_KEY);
}

function assetOf(name: string, loop: boolean): Asset {
  if (name === PATTERN.name) return PATTERN;
  return { name, url: `/assets/${encodeURIComponent(name)}`, loop };
}
