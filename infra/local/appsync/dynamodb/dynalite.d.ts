/** dynalite 4 has no types of its own. */
declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface Options {
    /** How long a table stays in CREATING, in milliseconds. Default: 500. */
    createTableMs?: number;
  }

  export default function dynalite(options?: Options): Server;
}
