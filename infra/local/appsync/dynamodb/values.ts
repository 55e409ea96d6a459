import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { TypedValue } from '../runtime/shim.ts';

export type TypedMap = Readonly<Record<string, TypedValue>>;

/** A value as a resolver writes it, as the AWS SDK wants it: AppSync takes a number as such and a NULL without `true`. */
function toAttribute(value: TypedValue): AttributeValue {
  if ('N' in value) return { N: String(value.N) };
  if ('NULL' in value) return { NULL: true };
  if ('L' in value) return { L: value.L.map(toAttribute) };
  if ('M' in value) return { M: toAttributes(value.M) };
  return value;
}

export function toAttributes(values: TypedMap): Record<string, AttributeValue> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toAttribute(value)]));
}

/** @throws {Error} for a type that the resolvers never write */
function fromAttribute(attribute: AttributeValue): unknown {
  if (attribute.S !== undefined) return attribute.S;
  if (attribute.N !== undefined) return Number(attribute.N);
  if (attribute.BOOL !== undefined) return attribute.BOOL;
  if (attribute.NULL !== undefined) return null;
  if (attribute.L !== undefined) return attribute.L.map(fromAttribute);
  if (attribute.M !== undefined) return fromAttributes(attribute.M);
  throw new Error(`Expected an attribute of type S, N, BOOL, NULL, L or M, found ${Object.keys(attribute).join()}.`);
}

export function fromAttributes(item: Record<string, AttributeValue>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, fromAttribute(value)]));
}
