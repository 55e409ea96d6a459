import appsync from '@aws-appsync/eslint-plugin';
import { defineConfig } from 'eslint/config';

/** Only the resolvers: their runtime, APPSYNC_JS, lacks much of the language. Biome lints everything else. */
export default defineConfig({
  files: ['infra/resolvers/**/*.ts'],
  ignores: ['**/*.test.ts'],
  plugins: { '@aws-appsync': appsync },
  extends: ['@aws-appsync/recommended'],
  languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex:
              '^(?!(\\.\\.?/)+((common|functions)/)?[a-zA-Z]+\\.ts$|(\\.\\./)+machines/status\\.ts$|@aws-appsync/utils$)',
            message: 'infra/resolvers imports machines/status.ts, @aws-appsync/utils and itself.',
          },
        ],
      },
    ],
  },
});
