/** The asset that stands for the test picture, which the page makes itself: it needs no file. */
export const PATTERN_NAME = 'pattern';

/** As the control plane allows (`assetName` of an invite). */
const MAX_NAME_CHARACTERS = 1_024;

/** Control characters, and halves of characters, which no URL can hold. */
const NO_TEXT = /\p{Cc}|\p{Cs}/u;

/**
 * What is wrong with the name of an asset, or `null`. A name is a path inside the folder of assets, its parts divided by
 * `/`; spaces and all letters are allowed. A part that begins with a dot is not: `..` leads out, and hidden files are
 * not meant to be played.
 *
 * @returns what was expected instead, to be put after "expected".
 */
export function assetNameProblem(name: string): string | null {
  if (name === '' || name.length > MAX_NAME_CHARACTERS) return `1 to ${MAX_NAME_CHARACTERS} characters`;
  if (NO_TEXT.test(name)) return 'no control characters';
  if (name.includes('\\')) return 'folders divided by /, not by \\';
  const isPath = name.split('/').every((part) => part !== '' && !part.startsWith('.'));
  return isPath ? null : 'a file in the folder of assets, such as clip.mp4 or trailers/clip.mp4';
}

/** Where the page gets the asset of a valid name from, on its own origin. */
export function assetUrl(name: string): string {
  return name === PATTERN_NAME ? 'pattern:' : `/assets/${name.split('/').map(encodeURIComponent).join('/')}`;
}
