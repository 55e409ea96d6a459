import { buildPages } from '../../infra/local/demo/build.ts';

/** Jest's global set-up for the whole-system tests: they run the pages as they are built to be deployed. */
export default buildPages;
