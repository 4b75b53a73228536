/** The physical limit beside ours: `undici.request` with one Agent and `Promise.all`; where durability counts, a synced line per step. */
import { createHash } from 'node:crypto'
import { fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Agent, request } from 'undici'
import { clockMicros } from './server.ts'
import { checkNumbers, Delays, liveHeap, type Measured, numberIn, type Order, startClocks } from './work.ts'

const order = JSON.parse(process.argv[2] ?? '{}') as Order
const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 })

async function send(manner: string, prompt: string, stream = false) {
  const reply = await request(`${order.url}${manner}/v1/chat/completions`, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'bench', stream, messages: [{ role: 'user', content: prompt }] }),
  })
  if (reply.statusCode !== 200) throw new Error(`status ${reply.statusCode}`)
  return reply.body
}

async function ask(numbers: readonly number[]): Promise<number> {
  const body = await send(order.manner, numbers.map((number) => `n=${number}`).join('\n'))
  const answer = (await body.json()) as { choices: [{ message: { content: string } }] }
  return numberIn(answer.choices[0].message.content)
}

/** A line per answer, on disk before the next step may use it. Numbered lines of an earlier process are read first. */
function openLines() {
  const path = join(order.folder, 'limit.jsonl')
  const known = new Map<string, number>()
  if (order.resume) {
    for (const line of readFileSync(path, 'utf8').split('\n').filter(Boolean)) {
      const { step, number } = JSON.parse(line) as { step: string; number: number }
      known.set(step, number)
    }
  }
  const file = openSync(path, 'a')
  const keep = (step: string, number: number) => {
    writeSync(file, `${JSON.stringify({ step, number })}\n`)
    fdatasyncSync(file)
    if (order.work.startsWith('W8')) process.stdout.write(`kept ${step}\n`)
  }
  return { known, keep }
}

async function runGraph(): Promise<void> {
  const { layers, wide } = order.shape
  const lines = order.durable ? openLines() : undefined
  let before: number[] = []
  for (let layer = 0; layer < layers; layer++) {
    const told = before
    before = await Promise.all(
      Array.from({ length: wide }, async (_, i) => {
        const step = `${layer}.${i}`
        const known = lines?.known.get(step)
        if (known !== undefined) return known
        const number = await ask([1, i, ...told])
        lines?.keep(step, number)
        return number
      }),
    )
  }
  checkNumbers(order.shape, before)
}

async function measureStreams(): Promise<Measured> {
  const delays = new Delays(clockMicros)
  const clocks = startClocks()
  const read = async (i: number): Promise<number> => {
    const body = await send(order.manner, `n=1\nn=${i}`, true)
    let rest = ''
    let last = ''
    for await (const text of body.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (!line.startsWith('data: {')) continue
        const piece = JSON.parse(line.slice(6)) as { choices: { delta: { content?: string } }[] }
        const content = piece.choices[0]?.delta.content
        if (content === undefined) continue
        delays.take(content)
        last = content
      }
    }
    return numberIn(last)
  }
  const got = await Promise.all(Array.from({ length: order.shape.wide }, (_, i) => read(i)))
  checkNumbers(order.shape, got)
  const { wall_ms = 0, ...more } = clocks()
  return { wall_ms, us_per_chunk: (wall_ms * 1000) / delays.chunks, ...more, ...delays.measured() }
}

async function measureHeap(): Promise<Measured> {
  const before = liveHeap()
  const clocks = startClocks()
  const running = runGraph()
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const kb_per_agent = (liveHeap() - before) / 1024 / order.shape.wide
  await running
  return { kb_per_agent, memory_mb: clocks().memory_mb ?? 0 }
}

/** What a hash-chained journal cannot do without: four events a step, each as JSON and SHA-256, in memory or in SQLite. */
function measureChain(): Measured {
  const steps = order.shape.wide
  const db = order.durable ? new DatabaseSync(join(order.folder, 'limit.db')) : undefined
  db?.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE records (seq INTEGER PRIMARY KEY, data TEXT)',
  )
  const insert = db?.prepare('INSERT INTO records VALUES (?, ?)')
  const kept: string[] = []
  const clocks = startClocks()
  let prev = ''
  for (let seq = 1; seq <= steps * 4; seq++) {
    const event = {
      actor: 'engine',
      at: seq,
      causes: [seq - 1],
      data: { attempt: 1, output: prev, step: `s${seq >> 2}` },
      prev,
      seq,
      type: 'step-started',
    }
    const text = JSON.stringify(event)
    prev = createHash('sha256').update(text).digest('hex')
    if (db && seq % 2000 === 1) db.exec('BEGIN')
    if (insert) insert.run(seq, text)
    else kept.push(text)
    if (db && (seq % 2000 === 0 || seq === steps * 4)) db.exec('COMMIT')
  }
  const measured = clocks()
  return { ...measured, us_per_step: ((measured.wall_ms ?? 0) * 1000) / steps }
}

async function measureGraph(): Promise<Measured> {
  await ask([0])
  const clocks = startClocks()
  await runGraph()
  const measured = clocks()
  return { ...measured, ms_per_step: (measured.wall_ms ?? 0) / (order.shape.layers * order.shape.wide) }
}

async function measure(): Promise<Measured> {
  switch (order.work.split('-')[0]) {
    case 'W2heap':
      await ask([0])
      return measureHeap()
    case 'W5':
      await ask([1])
      return {}
    case 'W6':
    case 'W6flat':
      return measureStreams()
    case 'W7':
      return measureChain()
    case 'W8':
    case 'W8fan':
      await runGraph()
      return {}
    default:
      return measureGraph()
  }
}

process.stdout.write(`${JSON.stringify(await measure())}\n`)
await agent.close()
