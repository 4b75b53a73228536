import { randomUUID } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { chmod, chown, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EgressPorts } from '../egress.ts'
import { cleanEnvironment } from '../environment.ts'
import { runProcess } from '../process.ts'
import { filterArch } from '../seccomp.ts'
import { CALLS } from '../seccomp-calls.ts'

/** The world outside of the sandbox, planted for attacks: files, listeners and a process of our own that nobody needs. */
export interface Scene {
  /** What a program is told of it, as JSON. */
  readonly facts: { readonly [name: string]: unknown }
  /** Secret text: whoever sees it has read what it must not. */
  readonly canary: string
  readonly project: string
  /** A folder that may be read, with a file of secrets in it. */
  readonly secrets: string
  readonly target: string
  /** Everything that any listener was sent, but the one at the allowed host. */
  readonly heard: () => string
  readonly controls: () => string
  readonly signals: () => number
  readonly decoy: number
  readonly egress: Pick<EgressPorts, 'resolve' | 'dial'>
  close(): Promise<void>
}

/** When we are root, the project belongs to somebody else, so that a sandbox can write to it. */
const SOMEBODY = 61_199

export async function plantScene(): Promise<Scene> {
  const canary = `canary-${randomUUID()}`
  const root = await realpath(await mkdtemp(join(tmpdir(), 'llm-orc-scene-')))
  await chmod(root, 0o711)
  const place = (name: string) => join(root, name)
  await mkdir(place('home'))
  // Open to all on purpose: it is the sandbox that is tried, not the modes of files.
  await writeFile(place('home/id_key'), canary, { mode: 0o644 })
  await writeFile(place('private'), canary, { mode: 0o600 })
  await writeFile(place('target'), '')
  await chmod(place('target'), 0o666)
  for (const folder of ['project', 'secrets']) await mkdir(place(folder))
  await writeFile(place('secrets/.env'), canary)
  await mkdir(place('project/.git'))
  await writeFile(place('project/.git/config'), '')
  if (process.getuid?.() === 0)
    for (const name of ['project', 'project/.git', 'project/.git/config']) await chown(place(name), SOMEBODY, SOMEBODY)

  let heard = ''
  let controls = ''
  const hear = (socket: Socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => (heard += chunk.toString('latin1')))
  }
  const answer = (socket: Socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      controls += chunk.toString('latin1')
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')
    })
  }
  const listeners = await Promise.all([
    listen(createServer(hear), { host: '0.0.0.0', port: 0 }),
    listen(createServer(hear), { path: place('socket') }),
    listen(createServer(hear), { path: `\0${canary.slice(0, 20)}` }),
    listen(createServer(answer), { host: '127.0.0.1', port: 0 }),
  ])
  await chmod(place('socket'), 0o666)
  const datagrams = createSocket('udp4')
  datagrams.on('message', (message) => (heard += message.toString('latin1')))
  await new Promise<void>((resolve) => datagrams.bind(0, '0.0.0.0', resolve))
  const [tcp, , , allowed] = listeners.map(portOf)

  let signals = 0
  const onSignal = () => signals++
  process.on('SIGUSR2', onSignal)
  process.env['PLANTED_ESCAPE_CANARY'] = canary
  const end = new AbortController()
  const decoy = await startDecoy(canary, end.signal)
  const address = Object.values(networkInterfaces())
    .flat()
    .find((each) => each && !each.internal && each.family === 'IPv4')?.address

  return {
    facts: {
      home: place('home/id_key'),
      private: place('private'),
      target: place('target'),
      project: place('project'),
      secrets: place('secrets'),
      socket: place('socket'),
      abstract: canary.slice(0, 20),
      tcp,
      udp: datagrams.address().port,
      address: address ?? '127.0.0.1',
      parent: process.pid,
      decoy: decoy.pid,
      calls: callNumbers(),
    },
    canary,
    project: place('project'),
    secrets: place('secrets'),
    target: place('target'),
    heard: () => heard,
    controls: () => controls,
    signals: () => signals,
    decoy: decoy.pid,
    egress: {
      // Names of our own, at addresses nobody has; the only one that can be dialled is the listener behind `allowed.test`.
      resolve: async (host) => ({ 'allowed.test': ['198.51.100.7'], 'inner.test': ['127.0.0.1'] })[host] ?? [],
      dial: (to, port) =>
        connect(to === '198.51.100.7' ? { host: '127.0.0.1', port: allowed as number } : { host: to, port }),
    },
    close: async () => {
      process.off('SIGUSR2', onSignal)
      delete process.env['PLANTED_ESCAPE_CANARY']
      end.abort()
      await decoy.ended
      datagrams.close()
      for (const listener of listeners) listener.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** A process that only waits; its environment holds a secret. */
async function startDecoy(canary: string, signal: AbortSignal): Promise<{ pid: number; ended: Promise<unknown> }> {
  let say: (pid: number) => void = () => {}
  const started = new Promise<number>((resolve) => (say = resolve))
  const ended = runProcess({
    program: '/bin/sh',
    args: ['-c', 'echo $$; exec sleep 600'],
    cwd: '/',
    env: cleanEnvironment({ DECOY_SECRET: canary }),
    signal,
    onOutput: (_, text) => say(Number(text)),
  })
  return { pid: await started, ended }
}

/** A zombie counts as dead: it waits only for us. */
export async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  return stat !== '' && !/^\d+ \(.*\) [ZX]/s.test(stat)
}

function callNumbers(): { readonly [name: string]: number } {
  const arch = filterArch()
  if (!arch) return {}
  const { keyctl, bpf, io_uring_setup, userfaultfd } = CALLS[arch].denied as { readonly [name: string]: number }
  return { keyctl, bpf, io_uring_setup, userfaultfd } as { readonly [name: string]: number }
}

async function listen(server: Server, where: { host: string; port: number } | { path: string }): Promise<Server> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, resolve)
  })
  server.unref()
  return server
}

function portOf(server: Server): number | undefined {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : undefined
}
