import * as v from 'valibot';

/** Longest a fault may hold something up. */
const MAX_DELAY_MS = 600_000;

/** What each step of a participant's way can be made to do. */
const ACTIONS = {
  join: ['delay', 'drop', 'refuse', 'cut'],
  offer: ['delay', 'drop', 'refuse', 'cut'],
  media: ['delay', 'drop', 'cut'],
  events: ['delay', 'drop', 'refuse', 'cut'],
} as const;

export type FaultStep = keyof typeof ACTIONS;
export type FaultAction = (typeof ACTIONS)[FaultStep][number];

const steps = Object.keys(ACTIONS) as FaultStep[];

/** What `POST /faults` takes. */
export const faultSchema = v.pipe(
  v.strictObject({
    /** `*`: whoever comes next. */
    participantId: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
    step: v.picklist(steps),
    action: v.picklist(['delay', 'drop', 'refuse', 'cut']),
    /** With `delay`, in milliseconds. */
    delayMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_DELAY_MS))),
    /** With `refuse`: the HTTP status of the refusal. */
    status: v.optional(v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599))),
    /** With `refuse`: its code. */
    code: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(64))),
    /** How often it strikes. */
    count: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)), 1),
    /** Of the steps `offer` and `media`: only as publisher, or only as subscriber. Absent: either. */
    direction: v.optional(v.picklist(['publish', 'subscribe'])),
  }),
  v.forward(
    v.check(
      ({ step, action }) => (ACTIONS[step] as readonly FaultAction[]).includes(action),
      ({ input }) => `Expected one of ${ACTIONS[input.step].join(', ')} for the step ${input.step}`,
    ),
    ['action'],
  ),
  v.forward(
    v.check(
      ({ action, delayMs }) => (action === 'delay') === (delayMs !== undefined),
      'Expected it with the action delay, and only then',
    ),
    ['delayMs'],
  ),
  v.forward(
    v.check(
      ({ action, status }) => status === undefined || action === 'refuse',
      'Expected it only with the action refuse',
    ),
    ['status'],
  ),
  v.forward(
    v.check(({ action, code }) => code === undefined || action === 'refuse', 'Expected it only with the action refuse'),
    ['code'],
  ),
  v.forward(
    v.check(
      ({ step, direction }) => direction === undefined || step === 'offer' || step === 'media',
      'Expected it only with the steps offer and media',
    ),
    ['direction'],
  ),
);

export type FaultSpec = v.InferOutput<typeof faultSchema>;
