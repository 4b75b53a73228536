import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
    exclude: ['test/long/**', 'test/browser/**', 'node_modules/**'],
    pool: 'forks',
    // Much of the time goes to waiting for programs and servers: all cores, where the usual leaves one free.
    maxWorkers: availableParallelism(),
    testTimeout: 60_000,
    setupFiles: ['test/setup.ts'],
  },
})
