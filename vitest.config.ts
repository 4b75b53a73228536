import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// Workers, and what they start with their environment, keep their compiled code where the program keeps its own (src/main.ts).
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/compile', import.meta.url))

/**
 * Rooms whose tests leave nothing behind in their process: their files share one. A process of its own costs a file a quarter of a
 * second, which is more than most of them take. Faces, tools, sandboxes and all that starts programs stay apart.
 */
const TOGETHER = [
  'src/{app,config,context,effects,engine,events,graph,journal,providers,router,steps,trust}/**/*.test.ts',
  'test/{engine,house,import,library}/**/*.test.ts',
]
const ALL = ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts']
const ELSEWHERE = ['test/long/**', 'test/browser/**', 'node_modules/**']

const shared = { pool: 'forks' as const, testTimeout: 60_000, hookTimeout: 60_000, setupFiles: ['test/setup.ts'] }

export default defineConfig({
  test: {
    // A third of the time goes to waiting for programs and servers: a worker more than there are cores.
    maxWorkers: availableParallelism() + 1,
    projects: [
      { test: { ...shared, name: 'together', include: TOGETHER, exclude: ELSEWHERE, isolate: false } },
      { test: { ...shared, name: 'apart', include: ALL, exclude: [...ELSEWHERE, ...TOGETHER] } },
    ],
  },
})
