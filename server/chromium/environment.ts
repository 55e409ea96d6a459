/**
 * The variables Chromium needs to find its files, fonts, language and display. All others stay out: whoever breaks out of a page
 * would read them from Chromium's memory, and AWS's credentials are among them.
 */
const PASSED_ON =
  /^(PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TEMP|TMP|LD_LIBRARY_PATH|FONTCONFIG_\w+|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|XDG_RUNTIME_DIR|SYSTEMROOT|WINDIR|SYSTEMDRIVE|COMSPEC|PATHEXT|USERPROFILE|APPDATA|LOCALAPPDATA|PROGRAMFILES|PROGRAMFILES\(X86\)|PROGRAMDATA)$/;

/**
 * The environment for a Chromium: what it needs of `env`, then `extra` as it is.
 *
 * @param env - The environment of this process.
 * @param extra - Variables to add or replace; the caller answers for them.
 */
export function chromiumEnvironment(env: NodeJS.ProcessEnv, extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  // Windows spells its variables in any case: `Path`, `SystemRoot`.
  const passedOn = Object.entries(env).filter(([name]) => PASSED_ON.test(name.toUpperCase()));
  return { ...Object.fromEntries(passedOn), ...extra };
}
