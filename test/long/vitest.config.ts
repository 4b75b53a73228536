import { defineConfig } from 'vitest/config'

/** Suites that take minutes or need a built package; each has an npm script of its own. */
export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
})
