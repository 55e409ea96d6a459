import type { FieldNode } from 'graphql';
import type { Prepared } from '../graphql/execute.ts';
import type { AuthMode } from '../graphql/schema.ts';

/** What one client wants to hear of. */
export interface Subscription {
  /** Of type Subscription in the schema. */
  field: string;
  mode: AuthMode;
  prepared: Prepared;
  /** By the argument's name, the value that the event's field of this name must have. */
  filter: Readonly<Record<string, unknown>>;
}

/** @returns null unless the operation is a subscription to exactly one field */
export function toSubscription(prepared: Prepared, mode: AuthMode): Subscription | null {
  const { operation, variables } = prepared;
  const [field, second] = operation.selectionSet.selections;
  if (operation.operation !== 'subscription' || field?.kind !== 'Field' || second) return null;
  return { field: field.name.value, mode, prepared, filter: readFilter(field, variables) };
}

/**
 * Whether the event reaches the subscription. The arguments are compared with what the mutation's caller selected: a
 * field that was not selected matches nothing but null. Null is a value like others, not "all of them".
 */
export function matches({ filter }: Subscription, event: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(filter).every(([name, value]) => (event[name] ?? null) === value);
}

/** AppSync takes an argument whose variable was not provided for null, as clients in the field have found. */
function readFilter(field: FieldNode, variables: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    (field.arguments ?? []).map(({ name, value }) => {
      if (value.kind === 'Variable') return [name.value, variables[value.name.value] ?? null];
      return [name.value, 'value' in value ? value.value : null];
    }),
  );
}
