import { buildAll } from '../../infra/local/demo/build.ts';

/** Jest's global set-up for the whole-system tests: they run the pages and the server as they are built to be deployed. */
export default buildAll;
