/** `record FOLDER DRAIN` writes every recording as a bundle; `verify FOLDER DRAIN...` runs them again. One JSON line per run and drain. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { writeBundle } from '../../src/journal/bundle.ts'
import { nodeTools } from '../../src/journal/bundle-file.ts'
import { recordings } from '../golden/recordings.ts'
import { verifyBundle } from '../golden/verify-bundle.ts'
import { drains } from './drains.ts'

const [task, folder = '', ...names] = process.argv.slice(2)

for (const name of names) {
  const drain = drains[name]
  if (!drain) throw new Error(`there is no drain ${name}`)
  const lines = task === 'record' ? recordAll(drain) : verifyAll(drain)
  for await (const line of lines) console.log(JSON.stringify({ node: process.version, drain: name, ...line }))
}

async function* recordAll(drain: () => Promise<void>) {
  for (const [run, record] of Object.entries(recordings)) {
    let text = ''
    for await (const line of writeBundle(await record(drain), nodeTools)) text += line
    writeFileSync(join(folder, `${run}.bundle`), text)
    const { head } = JSON.parse(text.slice(0, text.indexOf('\n'))) as { head: string }
    yield { run, head }
  }
}

async function* verifyAll(drain: () => Promise<void>) {
  for (const file of readdirSync(folder).filter((entry) => entry.endsWith('.bundle'))) {
    const means = { ...nodeTools, drain, wait: (ms: number) => setTimeout(ms) }
    const verdict = await verifyBundle(readFileSync(join(folder, file)), means)
    yield { run: file.replace('.bundle', ''), ...verdict }
  }
}
