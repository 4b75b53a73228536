// node scripts/make-golden.ts   records the golden journals of the release this tree is, into test/golden/VERSION/
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { ENGINE_VERSION } from '../src/engine/engine.ts'
import { writeBundle } from '../src/journal/bundle.ts'
import { nodeTools } from '../src/journal/bundle-file.ts'
import { recordings } from '../test/golden/recordings.ts'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'test', 'golden', ENGINE_VERSION)

try {
  mkdirSync(folder)
} catch {
  console.error(`${relative(root, folder)} is there already: what a release wrote stays. Raise ENGINE_VERSION first.`)
  process.exit(1)
}
const heads: { [name: string]: { events: number; head: string } } = {}
for (const [name, record] of Object.entries(recordings)) {
  let text = ''
  for await (const line of writeBundle(await record(() => setImmediate()), nodeTools)) text += line
  writeFileSync(join(folder, `${name}.bundle`), text)
  const { events, head } = JSON.parse(text.slice(0, text.indexOf('\n'))) as { events: number; head: string }
  heads[name] = { events, head }
  console.log(`${name.padEnd(10)} ${String(events).padStart(4)} events  ${head}`)
}
writeFileSync(join(folder, 'heads.json'), `${JSON.stringify(heads, null, 2)}\n`)
