import { readFileSync } from 'node:fs';
import { parse, print, visit } from 'graphql';

const SCHEMA = new URL('../../schema.graphql', import.meta.url);

/** The directive that opens a field or type to callers with an API key. */
const API_KEY_DIRECTIVE = 'aws_api_key';

/**
 * `infra/schema.graphql` as it is deployed: a directive of a mode that the API does not have is taken out, so that what
 * AppSync makes of such a one never matters. What is left without the key is IAM alone, on every field.
 *
 * @param apiKey whether the API has API keys
 */
export function deployedSchema({ apiKey }: { apiKey: boolean }): string {
  const document = parse(readFileSync(SCHEMA, 'utf8'));
  if (apiKey) return print(document);
  return print(visit(document, { Directive: ({ name }) => (name.value === API_KEY_DIRECTIVE ? null : undefined) }));
}
