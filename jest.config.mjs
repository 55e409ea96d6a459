/** @type {import('jest').Config} */
const shared = {
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
};

/** @type {import('jest').Config} */
export default {
  // Whole-system tests share two cores with a Chromium: one file at a time, or their deadlines measure the neighbour.
  maxWorkers: 1,
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/e2e/counts-reporter.mjs'],
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/{machines,browser,server,infra}/**/*.test.ts'],
    },
    {
      ...shared,
      displayName: 'e2e',
      testMatch: ['<rootDir>/e2e/**/*.test.ts'],
      globalSetup: '<rootDir>/e2e/support/build-pages.ts',
    },
  ],
};
