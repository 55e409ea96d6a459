import * as v from 'valibot';
import { type Inspection, MAX_INSPECTION_LENGTH } from '../../machines/inspection.ts';

const id = v.pipe(v.string(), v.maxLength(100));
const optionalId = v.optional(id);
const about = {
  sessionId: id,
  rootId: v.optional(id, 'anonymous'),
  createdAt: v.pipe(v.string(), v.regex(/^\d{1,15}$/)),
  _version: v.pipe(v.string(), v.maxLength(20)),
};
const event = v.looseObject({ type: v.pipe(v.string(), v.maxLength(200)) });
const status = v.picklist(['active', 'done', 'error', 'stopped']);

const INSPECTION = v.variant('type', [
  v.object({
    ...about,
    type: v.literal('@xstate.actor'),
    name: id,
    parentId: optionalId,
    definition: v.optional(v.pipe(v.string(), v.maxLength(MAX_INSPECTION_LENGTH)), '{}'),
    snapshot: v.object({ status }),
  }),
  v.object({ ...about, type: v.literal('@xstate.event'), sourceId: optionalId, event }),
  v.object({ ...about, type: v.literal('@xstate.snapshot'), event, snapshot: v.looseObject({ status }) }),
]);

/** Reads what a page tells of its actors; `null` if it is none of the three inspections of `@statelyai/inspect`. */
export function parseInspection(text: string): Inspection | null {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return null;
  }
  const { success, output } = v.safeParse(INSPECTION, message);
  return success ? ({ ...output, id: '' } as Inspection) : null;
}
