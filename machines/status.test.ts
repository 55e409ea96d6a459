import type { VpStatus } from './status.ts';
import { isLegalTransition, LEGAL_PREDECESSORS, legalSteps } from './status.ts';

const FROM = ['NONE', 'AVAILABLE', 'INVITED', 'CONNECTED', 'PUBLISHED', 'KICKED', 'ERRORED', 'STOPPED'] as const;
const TO = FROM.slice(1) as VpStatus[];

/** One row for each status that is left, one column for each that follows, in the order of `TO`. */
const TABLE = {
  //         AVAIL  INVIT  CONN   PUBL   KICK   ERR    STOP
  NONE: /**/ [true, false, false, false, false, true, true],
  AVAILABLE: [false, true, false, false, false, true, true],
  INVITED: [true, false, true, false, true, true, true],
  CONNECTED: [true, true, false, true, true, true, true],
  PUBLISHED: [true, true, true, false, true, true, true],
  KICKED: [true, false, false, false, false, true, true],
  ERRORED: [true, false, false, false, false, false, true],
  STOPPED: [true, false, false, false, false, false, false],
} as const;

describe('isLegalTransition', () => {
  it.each(FROM)('from %s allows what the table of the design allows, and nothing else', (from) => {
    expect(TO.map((to) => isLegalTransition(from, to))).toEqual(TABLE[from]);
  });

  it('holds every status once', () => {
    expect(Object.keys(LEGAL_PREDECESSORS)).toEqual(TO);
  });
});

describe('legalSteps', () => {
  it('is the status itself wherever that may follow directly', () => {
    for (const from of FROM) {
      for (const to of TO.filter((status) => isLegalTransition(from, status))) {
        expect(legalSteps(from, to)).toEqual([to]);
      }
    }
  });

  it('inserts the CONNECTED that PUBLISHED implies', () => {
    expect(legalSteps('INVITED', 'PUBLISHED')).toEqual(['CONNECTED', 'PUBLISHED']);
  });

  it('is empty for a status that the record says already', () => {
    expect(TO.map((status) => legalSteps(status, status))).toEqual(TO.map(() => []));
  });

  it('finds no other way around an illegal transition', () => {
    const detours = FROM.flatMap((from) =>
      TO.filter((to) => from !== to && !isLegalTransition(from, to) && legalSteps(from, to) !== null).map(
        (to) => `${from} ${to}`,
      ),
    );
    expect(detours).toEqual(['INVITED PUBLISHED']);
  });
});
