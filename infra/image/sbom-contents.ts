/** What is read and changed of a CycloneDX 1.5 document as npm writes it: https://cyclonedx.org/docs/1.5/json/ */
export interface Sbom {
  metadata: { component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
  [other: string]: unknown;
}

interface Component {
  /** `name@version` of a package. */
  'bom-ref': string;
  type: string;
  name: string;
  version: string;
  scope?: string;
  properties?: { name: string; value: string }[];
  [other: string]: unknown;
}

/** npm's mark of what is only for development, which is not so of what is bundled. */
const DEVELOPMENT = 'cdx:npm:package:development';

/** The folder of the package that a module belongs to; `null`: it is of this project, or of the bundler itself. */
export function packageFolder(module: string): string | null {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module.replaceAll('\\', '/'))?.[0] ?? null;
}

/**
 * Keeps of npm's document what is bundled, and adds the Node that runs it. What no other kept package needs is a dependency of the
 * application.
 *
 * @param bundled - `name@version` of each package.
 * @throws {Error} naming the packages that npm does not know.
 */
export function keepBundled(sbom: Sbom, bundled: readonly string[], nodeVersion: string): Sbom {
  const kept = new Set(bundled);
  const components = sbom.components.filter((component) => kept.has(component['bom-ref']));
  const known = new Set(components.map((component) => component['bom-ref']));
  const unknown = bundled.filter((ref) => !known.has(ref));
  if (unknown.length > 0) throw new Error(`Bundled, but not among the packages that npm lists: ${unknown.join(', ')}`);

  const { component: application } = sbom.metadata;
  const root = application['bom-ref'];
  const edges = sbom.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }));
  const needed = new Set(edges.flatMap(({ dependsOn }) => dependsOn));
  const node = {
    'bom-ref': `node@${nodeVersion}`,
    type: 'platform',
    name: 'node',
    version: nodeVersion,
    purl: `pkg:generic/node@${nodeVersion}`,
  };
  return {
    ...sbom,
    metadata: { ...sbom.metadata, component: { ...application, name: root.replace(/@[^@]*$/, '') } },
    components: [
      node,
      ...components.map((component) => ({
        ...component,
        scope: 'required',
        properties: component.properties?.filter(({ name }) => name !== DEVELOPMENT) ?? [],
      })),
    ],
    dependencies: [
      { ref: root, dependsOn: [node['bom-ref'], ...bundled.filter((ref) => !needed.has(ref)).sort()] },
      ...edges,
    ],
  };
}
