/**
 * A variable of the function's environment.
 *
 * @throws {Error} that names it, if it is not set
 */
export function required(name: string): string {
  const value = process.env[name]?.trim();
  if (!value) throw new Error(`${name} is not set; the stack sets it for this function.`);
  return value;
}

/** The start of the names of the public keys: letters, digits, - and _ ("ImportPublicKey"), room left for the version's id. */
export function requiredKeyNamePrefix(): string {
  const prefix = required('KEY_NAME_PREFIX');
  if (!/^[A-Za-z0-9_-]{1,60}$/.test(prefix)) {
    throw new Error(`KEY_NAME_PREFIX is ${JSON.stringify(prefix)}; expected 1 to 60 letters, digits, - or _.`);
  }
  return prefix;
}
