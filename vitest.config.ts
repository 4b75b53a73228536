import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
    exclude: ['test/long/**', 'test/browser/**', 'node_modules/**'],
    pool: 'forks',
    testTimeout: 60_000,
    setupFiles: ['test/setup.ts'],
  },
})
