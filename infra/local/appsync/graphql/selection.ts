import {
  GraphQLIncludeDirective,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  getDirectiveValues,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/**
 * Of a mutation's result, the part that its caller selected, by the fields' own names: only this reaches subscribers.
 */
export function pickSelected(value: unknown, info: GraphQLResolveInfo): unknown {
  return pick(
    value,
    info.fieldNodes.flatMap(({ selectionSet }) => selectionSet ?? []),
    info,
  );
}

function pick(value: unknown, sets: readonly SelectionSetNode[], info: GraphQLResolveInfo): unknown {
  if (Array.isArray(value)) return value.map((item) => pick(item, sets, info));
  if (value === null || typeof value !== 'object' || sets.length === 0) return value ?? null;
  const picked: Record<string, unknown> = {};
  for (const [name, below] of fieldsOf(sets, info)) picked[name] = pick(Reflect.get(value, name), below, info);
  return picked;
}

/** The selected fields, each with the selections below it. */
function fieldsOf(sets: readonly SelectionSetNode[], info: GraphQLResolveInfo): Map<string, SelectionSetNode[]> {
  const fields = new Map<string, SelectionSetNode[]>();
  const visit = (selection: SelectionNode): void => {
    if (!isIncluded(selection, info)) return;
    if (selection.kind === 'Field') {
      const below = selection.selectionSet ? [selection.selectionSet] : [];
      fields.set(selection.name.value, [...(fields.get(selection.name.value) ?? []), ...below]);
      return;
    }
    const set = selection.kind === 'InlineFragment' ? selection : info.fragments[selection.name.value];
    set?.selectionSet.selections.forEach(visit);
  };
  for (const { selections } of sets) selections.forEach(visit);
  return fields;
}

function isIncluded(selection: SelectionNode, { variableValues }: GraphQLResolveInfo): boolean {
  if (getDirectiveValues(GraphQLSkipDirective, selection, variableValues)?.['if'] === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, selection, variableValues)?.['if'] !== false;
}
