import { App, type AppProps, Validations } from 'aws-cdk-lib/core';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readSettings } from './settings.ts';
import { VirtualParticipantStack } from './stack.ts';

/**
 * The CDK app, checked by cdk-nag as it is synthesized: what is found and not acknowledged with a reason fails it.
 *
 * @param resolvers the bundles of `bundleResolvers`
 * @throws {SettingsError} that names every wrong setting of the context
 */
export function buildApp(resolvers: ReadonlyMap<string, string>, props: AppProps = {}): App {
  const app = new App({ analyticsReporting: false, ...props });
  const settings = readSettings((name) => app.node.tryGetContext(name));
  new VirtualParticipantStack(app, settings.stackName, { settings, resolvers });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return app;
}
