/** F27 and I22 at full size: 200 clients that cut their lines at random while a run of 100,000 events grows. `npx vitest run --config test/long/vitest.config.ts storm` */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { createRandom } from '../../src/events/random.ts'
import { openSqliteJournal } from '../../src/journal/sqlite.ts'
import { makeServedProject } from '../../src/surfaces/http/serve.fixture.ts'
import { readWithCuts, writeRecord } from '../../src/surfaces/http/storm.fixture.ts'
import { root } from '../processes.ts'

const CLIENTS = Number(process.env.STORM_CLIENTS ?? 200)
const EVENTS = Number(process.env.STORM_EVENTS ?? 100_000)
const MIB = 1024 * 1024

test(`F27 ${CLIENTS} clients, ${EVENTS} events, random cuts`, async () => {
  const desk = makeServedProject()
  const child = spawn(process.execPath, [join(root, 'src', 'main.ts'), 'serve', '--port', '0'], {
    cwd: desk.cwd,
    env: desk.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  try {
    const url = await new Promise<string>((resolve) => {
      createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
        const found = /Listening at (\S+)/.exec(line)?.[1]
        if (found) resolve(found)
      })
    })
    const store = await openSqliteJournal({
      path: join(desk.env['XDG_DATA_HOME'] ?? '', 'llm-orchestrator', 'journal.db'),
    })
    const begun = performance.now()
    const idle = await readResident(url)
    let most = idle
    const look = setInterval(
      () =>
        void readResident(url).then(
          (now) => (most = Math.max(most, now)),
          () => {},
        ),
      500,
    )
    const written = writeRecord(store.journal, 'storm', { count: EVENTS, bytes: 300, pause_ms: 10 })
    while ((await fetch(`${url}/v1/runs/storm/events`, { headers: { accept: 'application/json' } })).status !== 200);
    const random = createRandom('storm')
    const events = `${url}/v1/runs/storm/events`
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, () => readWithCuts(events, { random, longest: EVENTS / 4 })),
    )
    await written
    clearInterval(look)
    await store.close()
    const sum = (of: (client: (typeof clients)[number]) => number) =>
      clients.reduce((total, client) => total + of(client), 0)
    const seconds = (performance.now() - begun) / 1000
    const numbers = {
      clients: CLIENTS,
      events: EVENTS,
      received: sum(({ received }) => received),
      connections: sum(({ connections }) => connections),
      gaps: sum(({ gaps }) => gaps),
      duplicates: sum(({ duplicates }) => duplicates),
      seconds: Math.round(seconds),
      per_second: Math.round(sum(({ received }) => received) / seconds),
      resident_idle_mib: Math.round(idle / MIB),
      resident_most_mib: Math.round(most / MIB),
      resident_rise_mib: Math.round((most - idle) / MIB),
    }
    console.log(JSON.stringify(numbers))
    expect(numbers).toMatchObject({ gaps: 0, duplicates: 0, received: CLIENTS * EVENTS })
    expect(most - idle).toBeLessThan(100 * MIB)
  } finally {
    child.kill('SIGKILL')
  }
})

async function readResident(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1] ?? 0)
}
