import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { type App, Stack } from 'aws-cdk-lib/core';
import { bundleResolvers } from '../../local/appsync/bundle.ts';
import { buildApp } from '../build.ts';

const CDK_JSON = new URL('../../../cdk.json', import.meta.url);

/** A resource of a template. */
export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties have the shape that CloudFormation gives each type
  readonly Properties: any;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: string;
}

/**
 * The app as `npx cdk synth` builds it, with the flags of `cdk.json`. The functions' code is not bundled: it takes seconds
 * and is in no template.
 *
 * @param settings as after `-c`
 */
export async function app(settings: Readonly<Record<string, string>> = {}): Promise<App> {
  const { context } = JSON.parse(readFileSync(CDK_JSON, 'utf8')) as { context: Record<string, unknown> };
  return buildApp(await bundleResolvers(), {
    context: { ...context, 'aws:cdk:bundling-stacks': [], ...settings },
    outdir: mkdtempSync(join(tmpdir(), 'cdk-')),
  });
}

const templates = new Map<string, Promise<Template>>();

/** The template with these settings, made once in a file of tests; not held against CloudFormation's schemas, which takes longest. */
export function template(settings: Readonly<Record<string, string>> = {}): Promise<Template> {
  const key = JSON.stringify(settings);
  const made = templates.get(key) ?? make(settings);
  templates.set(key, made);
  return made;
}

async function make(settings: Readonly<Record<string, string>>): Promise<Template> {
  process.env['CDK_VALIDATION'] = 'false';
  const [stack] = (await app(settings)).node.children.filter((child) => Stack.isStack(child));
  if (stack === undefined) throw new Error('The app has no stack; expected one.');
  return Template.fromStack(stack);
}

/** All resources of a type, by logical id. */
export function resourcesOf(template: Template, type: string): Record<string, Resource> {
  return template.findResources(type) as Record<string, Resource>;
}

/** The only resource of a type. @throws {Error} if there are more, or none */
export function theOnly(template: Template, type: string): Resource {
  const found = Object.values(resourcesOf(template, type));
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`There are ${found.length} of ${type}; expected one.`);
  return only;
}
