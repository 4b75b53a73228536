import { AnswerCache } from './cache.ts'

/** A process that keeps `count` answers and looks for one after each: `PATH NAME COUNT`. Prints how many it found. */
const [path = '', name = '', count = '0'] = process.argv.slice(2)
const cache = new AnswerCache({ path, max_bytes: 64 * 1024 * 1024, wait_ms: 20_000 })
let found = 0
for (let n = 0; n < Number(count); n += 1) {
  const answer = `${name} ${n}`
  const common = { key: `key ${n}`, run: name, step: 'a' }
  await cache.keep({ ...common, kind: 'model', answer, made: n, source: 'x/m', target: 't' })
  if (await cache.find({ ...common, run: `${name} later`, since: 0 })) found += 1
}
await cache.close()
process.stdout.write(`${found}\n`)
