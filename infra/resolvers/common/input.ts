import { util } from '@aws-appsync/utils';
import { refuse } from './errors.ts';

/** Ends the request with BAD_INPUT; `field` is the path of the argument. */
export function refuseInput(field: string, expected: string): never {
  return refuse('BAD_INPUT', `${field}: expected ${expected}.`, { field, expected });
}

/** The text that matches `pattern` (anchored, as both regular expression dialects search), or the end of the request. */
export function requireMatch(field: string, value: string, pattern: string, expected: string): string {
  return util.matches(pattern, value) ? value : refuseInput(field, expected);
}

/** @returns null if the text is not given */
export function optionalText(field: string, value: string | null | undefined, longest: number): string | null {
  if (value === null || value === undefined) return null;
  return value.length >= 1 && value.length <= longest ? value : refuseInput(field, `1 to ${longest} characters`);
}

/** @returns null if the text is not given */
export function cut(value: string | null | undefined, longest: number): string | null {
  return value === null || value === undefined || value === '' ? null : value.slice(0, longest);
}

/** @returns null if the number is not given */
export function optionalInteger(
  field: string,
  value: number | null | undefined,
  least: number,
  most: number,
): number | null {
  if (value === null || value === undefined) return null;
  return value >= least && value <= most ? value : refuseInput(field, `a whole number from ${least} to ${most}`);
}

export function requireId(field: string, value: string): string {
  return requireMatch(
    field,
    value,
    '^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$',
    '1 to 128 letters, digits or . _ : -, the first a letter or digit',
  );
}

export function requireOwner(field: string, value: string): string {
  return value.length >= 8 && value.length <= 128 ? value : refuseInput(field, '8 to 128 characters');
}
