import { isNewer, parseRecord } from './record.ts';
import { emptyRecord } from './testing/fake-client.ts';

const nothing = { id: 'vp-1', epoch: 0, version: 1, status: null, loop: null, attributes: null, failure: null };

describe('parseRecord', () => {
  test('makes what the control plane does not know explicit', () => {
    expect(parseRecord(nothing)).toEqual({ ...emptyRecord('vp-1'), version: 1 });
  });

  test('gives attributes as one object and drops what is not asked for', () => {
    const attributes = [
      { name: 'a', value: '1', __typename: 'ParticipantAttribute' },
      { name: 'b', value: '2' },
    ];
    const failure = { code: 'REPLACED', origin: 'participant', retryable: true, message: 'Invite again.' };
    expect(parseRecord({ ...nothing, status: 'ERRORED', loop: false, attributes, failure, __typename: 'X' })).toEqual({
      ...emptyRecord('vp-1'),
      version: 1,
      status: 'ERRORED',
      loop: false,
      attributes: { a: '1', b: '2' },
      failure,
    });
  });

  test.each([
    ['version', { ...nothing, version: null }],
    ['status', { ...nothing, status: 'GONE' }],
    ['attributes.0.value', { ...nothing, attributes: [{ name: 'a' }] }],
  ])('refuses a wrong %s and names it', (field, record) => {
    expect(() => parseRecord(record)).toThrow(`The control plane's record has a wrong ${field}: expected `);
  });
});

describe('isNewer', () => {
  const known = { ...emptyRecord('vp-1'), epoch: 3, version: 7 };
  test.each([
    [3, 8, true],
    [4, 1, true],
    [3, 7, false],
    [2, 9, false],
  ])('says of epoch %d and version %d, when 3 and 7 are known: %s', (epoch, version, answer) => {
    expect(isNewer({ epoch, version }, known)).toBe(answer);
  });
});
