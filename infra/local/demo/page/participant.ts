import type { PageMessage } from '../../../../machines/protocol.ts';
import { now } from './viewer.ts';

/** The virtual participant's page, embedded: what it tells, and its button. */
export interface Participant {
  /** Loads the page with a token, as its address takes it; it joins by itself. */
  invite(token: string, asset: string): void;
  leave(): void;
  /** Takes what the page tells, with the time of its arrival in milliseconds since the epoch. */
  on(listener: (message: PageMessage, atMs: number) => void): () => void;
}

export function participantIn(frame: HTMLIFrameElement): Participant {
  return {
    invite(token, asset) {
      frame.src = `/?${new URLSearchParams({ token, asset })}`;
    },
    leave() {
      frame.contentDocument?.querySelector<HTMLButtonElement>('#leave')?.click();
    },
    on(listener) {
      const onMessage = ({ source, data }: MessageEvent<PageMessage>) => {
        if (source === frame.contentWindow) listener(data, now());
      };
      addEventListener('message', onMessage);
      return () => removeEventListener('message', onMessage);
    },
  };
}
