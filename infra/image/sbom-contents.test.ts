import { keepBundled, packageFolder, type Sbom } from './sbom-contents.ts';

const package_ = (ref: string, properties: { name: string; value: string }[] = []) => {
  const [name = '', version = ''] = ref.split('@');
  return { 'bom-ref': ref, type: 'library', name, version, scope: 'required', properties };
};

const SBOM: Sbom = {
  bomFormat: 'CycloneDX',
  metadata: { component: { ...package_('virtual-participant@0.1.0'), type: 'application', name: 'checkout' } },
  components: [
    package_('ws@8.23.0'),
    package_('jest@30.5.2', [{ name: 'cdx:npm:package:development', value: 'true' }]),
    package_('puppeteer-core@24.43.1', [{ name: 'cdx:npm:package:development', value: 'true' }]),
  ],
  dependencies: [
    { ref: 'virtual-participant@0.1.0', dependsOn: ['jest@30.5.2', 'ws@8.23.0'] },
    { ref: 'jest@30.5.2', dependsOn: [] },
    { ref: 'puppeteer-core@24.43.1', dependsOn: ['ws@8.23.0', 'jest@30.5.2'] },
    { ref: 'ws@8.23.0', dependsOn: [] },
  ],
};

describe('The list of what is bundled', () => {
  const kept = keepBundled(SBOM, ['ws@8.23.0', 'puppeteer-core@24.43.1'], '24.21.0');

  it('names the bundled packages and Node, nothing else, and none as only for development', () => {
    expect(kept.components.map(({ name, version, properties }) => [name, version, properties ?? []])).toEqual([
      ['node', '24.21.0', []],
      ['ws', '8.23.0', []],
      ['puppeteer-core', '24.43.1', []],
    ]);
  });

  it('connects each of them with the application', () => {
    expect(kept.dependencies).toEqual([
      { ref: 'virtual-participant@0.1.0', dependsOn: ['node@24.21.0', 'puppeteer-core@24.43.1'] },
      { ref: 'puppeteer-core@24.43.1', dependsOn: ['ws@8.23.0'] },
      { ref: 'ws@8.23.0', dependsOn: [] },
    ]);
  });

  it('calls the application by its name, not by the folder that it was built in', () => {
    expect(kept.metadata.component.name).toBe('virtual-participant');
  });

  it('refuses a bundled package that npm does not list', () => {
    expect(() => keepBundled(SBOM, ['left-pad@1.3.0'], '24.21.0')).toThrow('left-pad@1.3.0');
  });
});

describe('The folder of a module’s package', () => {
  it.each([
    ['/build/node_modules/ws/lib/sender.js', '/build/node_modules/ws'],
    ['/build/node_modules/@apollo/client/core/index.js', '/build/node_modules/@apollo/client'],
    ['/build/node_modules/a/node_modules/@b/c/d.js?commonjs-proxy', '/build/node_modules/a/node_modules/@b/c'],
    ['/build/server/main.ts', null],
    ['\0rolldown/runtime.js', null],
  ])('of %j is %j', (module, folder) => {
    expect(packageFolder(module)).toBe(folder);
  });
});
