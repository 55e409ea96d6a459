import { bundleResolvers } from '../local/appsync/bundle.ts';
import { buildApp } from './build.ts';
import { SettingsError } from './settings.ts';

try {
  buildApp(await bundleResolvers()).synth();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
