import * as v from 'valibot';

/**
 * A text that matches a pattern.
 *
 * @param expected - the message of the issue, to be put after "expected"
 */
export function matching(pattern: RegExp, expected: string) {
  return v.pipe(v.string(), v.regex(pattern, expected));
}

/** A whole number, written in decimal digits; the message of the issue says which were expected. */
export function wholeNumber(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return v.pipe(
    matching(/^\d{1,9}$/, expected),
    v.transform(Number),
    v.minValue(min, expected),
    v.maxValue(max, expected),
  );
}
