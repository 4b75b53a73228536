import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { defineConfig, type Plugin } from 'rolldown'

/** Packages on the path of every start; all others stay outside and are loaded from node_modules when needed. */
const BUNDLED = [
  '@cfworker/json-schema',
  '@marcbachmann/cel-js',
  '@noble/hashes',
  'commander',
  'jsonrepair',
  'liquidjs',
  'picomatch',
  're2js',
  'semver',
  'yaml',
  'zod',
]

/**
 * To find and open a file costs more than to read a longer one, so what is always loaded together lies together: the words of the command
 * line (all that help needs), the public door with what it imports, and the rest of what any run loads. The first that names a file or
 * what imports it takes it.
 */
const TOGETHER = {
  quick: ['src/surfaces/cli/quick.ts'],
  engine: ['src/index.ts', 'node_modules/semver/'],
  run: [
    'node_modules/commander/',
    'src/surfaces/cli/program.ts',
    'src/app/operations/run.ts',
    'src/app/create-app.ts',
    'src/journal/sqlite.ts',
    'src/providers/openai-compatible.ts',
    'src/surfaces/cli/show/run.ts',
  ],
}

/** Characters beyond ASCII stand there as escapes: one of them in a file makes the engine keep all of it twice as wide. */
const ascii: Plugin = {
  name: 'ascii',
  generateBundle(_, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== 'chunk') continue
      file.code = file.code.replace(/[^\0-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    }
  },
}

/** The licences of what is bundled go along with it. */
const licences: Plugin = {
  name: 'licences',
  generateBundle() {
    const texts = BUNDLED.map((name) => {
      const folder = join(import.meta.dirname, 'node_modules', name)
      const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
      return `${name} ${version} (${license})\n${file ? `\n${readFileSync(join(folder, file), 'utf8').trim()}\n` : ''}`
    })
    this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join(`\n${'-'.repeat(80)}\n\n`) })
  },
}

/** Entries and chunks lie flat in dist/, so `new URL('../', import.meta.url)` is the package's root there as in src/. */
export default defineConfig({
  input: { main: 'src/main.ts', index: 'src/index.ts', testing: 'src/testing.ts' },
  platform: 'node',
  external: (id) =>
    isBuiltin(id) || (/^[@\w]/.test(id) && !BUNDLED.some((name) => id === name || id.startsWith(`${name}/`))),
  plugins: [ascii, licences],
  // Some looks are also part of others.
  checks: { ineffectiveDynamicImport: false },
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
    codeSplitting: {
      groups: Object.entries(TOGETHER).map(([name, files]) => ({
        name,
        test: (id: string) => files.some((file) => id.replaceAll('\\', '/').includes(`/${file}`)),
      })),
    },
  },
})
