/** What went wrong with a Chromium. */
export type ChromiumErrorCode =
  /** No Chromium on this machine, or `PUPPETEER_EXECUTABLE_PATH` names none. */
  | 'CHROMIUM_NOT_FOUND'
  /** The program could not be started, or did not answer as a Chromium does. */
  | 'CHROMIUM_START_FAILED'
  /** Started, but not ready within `startTimeoutMs`. */
  | 'CHROMIUM_START_TIMEOUT'
  /** The caller's signal ended the start. */
  | 'CHROMIUM_ABORTED'
  /** The process ended without having been asked to, during the start or later. */
  | 'CHROMIUM_EXITED'
  /** It was to be ended and could not be. */
  | 'CHROMIUM_STILL_RUNS';

/** Rejection of `launchChromium` and argument of `onExit` listeners. */
export class ChromiumError extends Error {
  override readonly name = 'ChromiumError';
  readonly code: ChromiumErrorCode;
  /** The last lines Chromium wrote to its standard error, oldest first; they are in `message` too. Participant tokens are blanked. */
  readonly lastLines: readonly string[];

  constructor(
    code: ChromiumErrorCode,
    message: string,
    { lastLines = [], cause }: { lastLines?: readonly string[]; cause?: unknown } = {},
  ) {
    const lines = lastLines.map((line) => `\n  ${line}`).join('');
    super(lines ? `${message} Its last lines:${lines}` : message, cause === undefined ? {} : { cause });
    this.code = code;
    this.lastLines = lastLines;
  }
}
