/** The user that one Chromium runs as: how it is started as that user, and ended with all that it wrote. */
export interface ChromiumUser {
  /** The program that becomes Chromium, with an empty profile and its debugger on the file descriptors 3 and 4. */
  readonly program: string;
  readonly args: readonly string[];
  /** Variables for Chromium beside those of `chromiumEnvironment`. */
  readonly environment: NodeJS.ProcessEnv;
  /**
   * Asks for the end of all processes of Chromium. Does not tell when that was in vain: whoever needs the end asks again until it is there.
   *
   * @param pid - The leader of their process group.
   */
  kill(pid: number): Promise<void>;
  /** Removes what Chromium wrote; its processes are gone. */
  clean(): Promise<void>;
  /** Both before it returns, for a process that is about to end. */
  end(pid: number): void;
}
