/** For the build target `verify`: the viewer's page is built once, not at each start. */
import { buildPages } from '../local/demo/build.ts';

await buildPages();
