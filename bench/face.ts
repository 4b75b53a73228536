/**
 * 200 streams at once through the OpenAI-compatible face, beside plain `fetch` to the same fake server, in turns:
 * `node bench/face.ts [--streams 200] [--rounds 3] [--chunks 50] [--gap 20]`.
 * Quote the differences and the ratio; absolute times belong to the machine.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { inFolder, ROOT, startFake } from './processes.ts'

const { values: options } = parseArgs({
  options: {
    streams: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
    chunks: { type: 'string', default: '50' },
    gap: { type: 'string', default: '20' },
  },
})
const [streams, rounds, chunks, gap] = [options.streams, options.rounds, options.chunks, options.gap].map(Number) as [
  number,
  number,
  number,
  number,
]

interface Stream {
  /** ms to the first text. */
  readonly first: number
  /** ms to the end. */
  readonly whole: number
}

interface Turn {
  readonly streams: readonly Stream[]
  /** ms of processor, of this process and of the server between. */
  readonly client_cpu: number
  readonly server_cpu: number
}

let prompts = 0

async function readOne(url: string, model: string): Promise<Stream> {
  const began = performance.now()
  prompts += 1
  const response = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: `n=${prompts}` }] }),
  })
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
  const decoder = new TextDecoder()
  let first: number | undefined
  let said = ''
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    const text = decoder.decode(bytes, { stream: true })
    if (first === undefined && /"content":"[^"]/.test(text)) first = performance.now() - began
    said = (said + text).slice(-200)
  }
  if (first === undefined || !said.includes('[DONE]')) throw new Error(`a stream ended with ${JSON.stringify(said)}`)
  return { first, whole: performance.now() - began }
}

async function takeTurn(url: string, model: string, server: ChildProcess | undefined): Promise<Turn> {
  const cpu = process.cpuUsage()
  const before = readCpu(server)
  const all = await Promise.all(Array.from({ length: streams }, () => readOne(url, model)))
  const { user, system } = process.cpuUsage(cpu)
  return { streams: all, client_cpu: (user + system) / 1000, server_cpu: readCpu(server) - before }
}

/** ms of processor a process has had so far; 0 where the system does not tell. */
function readCpu(server: ChildProcess | undefined): number {
  if (server === undefined) return 0
  try {
    const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return 0
  }
}

async function startServer(cwd: string): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const env = { ...process.env, HOME: cwd, XDG_DATA_HOME: join(cwd, 'data'), XDG_CONFIG_HOME: join(cwd, 'config') }
  const child = spawn(process.execPath, [join(ROOT, 'src', 'main.ts'), 'serve', '--port', '0'], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        const found = /Listening at (\S+)/.exec(line)?.[1]
        if (found) resolve(found)
      })
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
  })
  return { child, url }
}

function percentile(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

function sum(turns: readonly Turn[], of: (turn: Turn) => number): number {
  return turns.reduce((total, turn) => total + of(turn), 0)
}

const fake = await startFake()
await inFolder(async (folder) => {
  const upstream = `${fake.url}/chunks/${chunks}/gap/${gap}/v1`
  await mkdir(join(folder, '.llm-orc'))
  await writeFile(
    join(folder, '.llm-orc', 'config.yaml'),
    `model_profiles:\n  far: { provider: openai-compatible, model: m, base_url: "${upstream}" }\n` +
      `providers:\n  openai-compatible: { connections: ${streams} }\n`,
  )
  const { child, url } = await startServer(folder)
  try {
    const raw: Turn[] = []
    const face: Turn[] = []
    for (let round = -1; round < rounds; round += 1) {
      const turns = [await takeTurn(upstream, 'm', undefined), await takeTurn(`${url}/v1`, 'far', child)] as const
      if (round < 0) continue
      raw.push(turns[0])
      face.push(turns[1])
    }
    const of = (turns: readonly Turn[], key: keyof Stream) =>
      turns.flatMap((turn) => turn.streams.map((one) => one[key]))
    console.log(`${streams} streams at once, ${chunks} chunks ${gap} ms apart, ${rounds} rounds`)
    for (const [what, key] of [
      ['first text', 'first'],
      ['whole answer', 'whole'],
    ] as const)
      for (const part of [0.5, 0.99]) {
        const [plain, through] = [percentile(of(raw, key), part), percentile(of(face, key), part)]
        const name = `${what}, p${part * 100}`.padEnd(20)
        console.log(
          `${name} fetch ${plain.toFixed(0)} ms, face ${through.toFixed(0)} ms: +${(through - plain).toFixed(0)} ms`,
        )
      }
    const [own, between] = [sum(raw, (turn) => turn.client_cpu), sum(face, (turn) => turn.server_cpu)]
    const ratio = between === 0 ? 'not told by this system' : (between / own).toFixed(1)
    console.log(`processor of the face to that of fetch alone: ${ratio}`)
  } finally {
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill()
    fake.stop()
    // It still writes down what it did.
    await gone
  }
})
