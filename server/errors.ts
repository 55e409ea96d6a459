/**
 * The server cannot start, and who runs it can put that right: the message alone says how, so it is shown without a
 * stack. It never holds a secret.
 */
export class StartError extends Error {
  override readonly name = 'StartError';
}
