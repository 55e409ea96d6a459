import type { Template } from 'aws-cdk-lib/assertions';
import { type Resource, resourcesOf } from './synthesized.ts';

/** What one policy allows; `owner` is the logical id of the role it is in, or of the policy itself. */
export interface Policy {
  readonly owner: string;
  readonly type: string;
  /** Each as `action on resource`, sorted. */
  readonly grants: readonly string[];
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource?: unknown;
}

/** Every policy of the template that belongs to a role, or that can be attached. */
export function policiesOf(template: Template): Policy[] {
  return ['AWS::IAM::Role', 'AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].flatMap((type) =>
    Object.entries(resourcesOf(template, type)).map(([id, { Properties }]) => {
      const documents = [
        Properties.PolicyDocument,
        ...(Properties.Policies ?? []).map((p: { PolicyDocument: unknown }) => p.PolicyDocument),
      ];
      const statements = documents.flatMap((document) => (document?.Statement ?? []) as Statement[]);
      return {
        owner: ownerOf(type, id, Properties),
        type,
        grants: statements.flatMap((s) => grants(template, s)).sort(),
      };
    }),
  );
}

/** All that a role may do by the policies of the template. */
export function grantsOf(template: Template, role: string): string[] {
  return policiesOf(template)
    .filter(({ owner }) => owner === role)
    .flatMap((policy) => policy.grants)
    .sort();
}

/** The logical id of the role that `Fn::GetAtt` names. */
export function roleOf(reference: { 'Fn::GetAtt': [string, string] }): string {
  return reference['Fn::GetAtt'][0];
}

function ownerOf(type: string, id: string, properties: Resource['Properties']): string {
  return type === 'AWS::IAM::Policy' ? (properties.Roles?.[0]?.Ref ?? id) : id;
}

function grants(template: Template, { Effect, Action, Resource }: Statement): string[] {
  if (Effect !== 'Allow') return [];
  return [Action]
    .flat()
    .flatMap((action) => [Resource].flat().map((resource) => `${action} on ${text(template, resource)}`));
}

/** An ARN as text, what CloudFormation fills in by what it is: `<Bucket.Arn>`, not by a logical id with its hash. */
function text(template: Template, value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::Join': join, 'Fn::Sub': sub } = value as Record<string, unknown>;
  if (typeof ref === 'string') return `<${nameOf(template, ref)}>`;
  if (Array.isArray(attribute)) return `<${nameOf(template, String(attribute[0]))}.${attribute[1]}>`;
  if (Array.isArray(join)) return (join[1] as unknown[]).map((part) => text(template, part)).join(String(join[0]));
  if (typeof sub === 'string') return sub.replaceAll(/\$\{([^}]+)\}/g, '<$1>');
  throw new Error(`A policy has the resource ${JSON.stringify(value)}; expected a text or a reference.`);
}

/** The last word of its type: `AWS::S3::Bucket` is a Bucket. */
function nameOf(template: Template, id: string): string {
  const resources = template.toJSON()['Resources'] as Record<string, Resource>;
  const type = resources[id]?.Type;
  if (type === undefined) return id;
  return type === 'AWS::AppSync::GraphQLApi' ? 'Api' : (type.split('::').at(-1) ?? id);
}
