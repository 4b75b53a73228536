// npm run check            all checks, two at a time, then a table
// npm run check -- rooms   only those named
import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { styleText } from 'node:util'

const root = join(import.meta.dirname, '..')

/** Programs that write committed files; with `--check` each compares instead and exits 1 when one is stale. */
const GENERATORS: readonly string[] = ['scripts/generate.ts']

interface Check {
  readonly name: string
  readonly what: string
  readonly command: readonly string[]
}

const CHECKS: readonly Check[] = [
  { name: 'types', what: 'types of sources, tests and scripts', command: ['tsc', '--noEmit'] },
  { name: 'lint', what: 'floating promises and other traps', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  {
    name: 'format',
    what: 'format and import order (npm run format)',
    command: ['biome', 'check', '--error-on-warnings'],
  },
  { name: 'rooms', what: 'doors, cycles, rooms without Node', command: ['node', 'scripts/check-rooms.ts'] },
  { name: 'docs', what: 'error codes, event types, links', command: ['node', 'scripts/check-docs.ts'] },
  ...GENERATORS.map((file) => ({
    name: 'generated',
    what: `${file} is up to date`,
    command: ['node', file, '--check'],
  })),
  { name: 'browser', what: 'the pure rooms bundle for a browser', command: ['node', 'scripts/check-browser.ts'] },
  { name: 'unused', what: 'unused exports, files and dependencies', command: ['knip', '--no-progress'] },
]

interface Outcome extends Check {
  readonly isOk: boolean
  readonly seconds: number
  readonly output: string
}

function runCheck(check: Check): Promise<Outcome> {
  const [program = '', ...words] = check.command
  const started = performance.now()
  return new Promise((resolve) => {
    const end = (isOk: boolean): void =>
      resolve({ ...check, isOk, seconds: (performance.now() - started) / 1000, output: output.join('') })
    const output: string[] = []
    const child = spawn(program, words, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
      env: { ...process.env, PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter) },
    })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => output.push(bytes.toString()))
    child.on('error', (error) => {
      output.push(error.message)
      end(false)
    })
    child.on('close', (code) => end(code === 0))
  })
}

async function runAll(checks: readonly Check[]): Promise<Outcome[]> {
  const waiting = [...checks]
  const outcomes: Outcome[] = []
  const work = async (): Promise<void> => {
    for (let check = waiting.shift(); check; check = waiting.shift()) outcomes.push(await runCheck(check))
  }
  await Promise.all([work(), work()])
  return checks.map(({ name, what }) => outcomes.find((done) => done.name === name && done.what === what)!)
}

const names = process.argv.slice(2)
const chosen = names.length === 0 ? CHECKS : CHECKS.filter(({ name }) => names.includes(name))
const unknown = names.filter((name) => !CHECKS.some((check) => check.name === name))
if (unknown.length > 0) {
  console.error(`no check named ${unknown.join(', ')}; there are ${CHECKS.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

const outcomes = await runAll(chosen)
for (const { name, command, isOk, output } of outcomes) {
  if (!isOk) console.log(`${styleText('red', `── ${name}: ${command.join(' ')}`)}\n${output.trimEnd()}\n`)
}
for (const { name, what, isOk, seconds } of outcomes) {
  const mark = isOk ? styleText('green', 'ok    ') : styleText('red', 'FAILED')
  console.log(`${mark} ${name.padEnd(10)} ${seconds.toFixed(1).padStart(5)} s  ${what}`)
}
if (outcomes.some(({ isOk }) => !isOk)) process.exitCode = 1
