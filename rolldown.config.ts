import { isBuiltin } from 'node:module'
import { defineConfig } from 'rolldown'

/** Small packages on the path of every start; all others stay outside and are loaded from node_modules when needed. */
const BUNDLED = ['@noble/hashes', 'commander', 'yaml', 'zod']

/** Entries and chunks lie flat in dist/, so `new URL('../', import.meta.url)` is the package's root there as in src/. */
export default defineConfig({
  input: { main: 'src/main.ts', index: 'src/index.ts', testing: 'src/testing.ts' },
  platform: 'node',
  external: (id) =>
    isBuiltin(id) || (/^[@\w]/.test(id) && !BUNDLED.some((name) => id === name || id.startsWith(`${name}/`))),
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
  },
})
