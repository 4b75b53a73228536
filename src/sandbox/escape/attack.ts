import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AttackId } from '../promises.ts'
import { collectResults } from '../results.ts'
import type { Limits, SandboxResult } from '../sandbox.ts'
import { isRunning, type Scene } from './scene.ts'

/** What happened, for a judge. */
export interface Outcome {
  readonly scene: Scene
  /** The word that this attack alone sends. */
  readonly token: string
  readonly result: SandboxResult
  /** What the watch saw while it ran. */
  readonly seen: number
}

export interface Attack {
  readonly title: string
  readonly limits?: Partial<Limits>
  readonly hosts?: (scene: Scene) => readonly string[]
  /** Looked at every few milliseconds while the program runs; the largest value counts. */
  readonly watch?: (scene: Scene, token: string) => Promise<number>
  /** Did it get what it was after? */
  judge(outcome: Outcome): boolean | Promise<boolean>
}

const MIB = 1024 * 1024
const saw = ({ result, scene }: Outcome) => result.stdout.includes(scene.canary)
const said = ({ result }: Outcome) => /^got$/m.test(result.stdout)
/** What it did may show a moment after it has ended: datagrams are under way, signals are delivered later. */
async function appears(look: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let waited = 0; waited < SETTLE_MS; waited += 20) {
    if (await look()) return true
    await sleep(20)
  }
  return look()
}
const SETTLE_MS = 240
const heard = ({ scene, token }: Outcome) => appears(() => scene.heard().includes(token))
const wrote = async ({ scene, token }: Outcome) => (await readFile(scene.target, 'utf8')).includes(token)
const listed = (scene: Scene) => ['allowed.test', `inner.test:${scene.facts['tcp']}`]
/** More than this in all: the limit is 64. */
const FORKS = 100

export const ATTACKS: { readonly [A in AttackId]: Attack } = {
  'read-home': { title: 'read a key in a home folder', judge: saw },
  'read-private': { title: 'read a file that only we may read', judge: saw },
  'write-outside': { title: 'write to a file outside', judge: wrote },
  'write-by-link': { title: 'write outside through a link of its own', judge: wrote },
  'link-as-result': {
    title: 'leave a link as a result, for us to follow',
    judge: async ({ scene }) => {
      const { files } = await collectResults(scene.project)
      return files.some(({ bytes }) => bytes.includes(scene.canary))
    },
  },
  'steer-next-start': {
    title: 'write settings that steer our next start',
    judge: async ({ scene, token }) => {
      const texts = ['.llm-orc/config.yaml', '.mcp.json', '.env', '.git/config'].map((name) =>
        readFile(join(scene.project, name), 'utf8').catch(() => ''),
      )
      return (await Promise.all(texts)).some((text) => text.includes(token))
    },
  },
  'read-secrets-file': { title: 'read `.env` in a folder it may read', judge: saw },
  environment: { title: 'read keys in its environment', judge: saw },
  'proc-environment': { title: 'read the environment of other processes in /proc', judge: saw },
  'tcp-loopback': { title: 'TCP to this machine', judge: heard },
  'tcp-outside': { title: 'TCP by a network address', judge: heard },
  'udp-loopback': { title: 'UDP to this machine', judge: heard },
  'udp-outside': { title: 'UDP by a network address', judge: heard },
  dns: { title: 'tell something by a DNS query', judge: heard },
  'unix-socket': { title: 'connect to a unix socket by its path', judge: heard },
  'abstract-socket': { title: 'connect to an abstract unix socket', judge: heard },
  'proxy-connect': { title: 'CONNECT through the proxy to 16 forbidden places', hosts: listed, judge: heard },
  'proxy-request': { title: 'HTTP through the proxy to 9 forbidden places', hosts: listed, judge: heard },
  'kill-parent': {
    title: 'send a signal to us',
    judge: ({ scene }) => appears(() => scene.signals() > 0),
  },
  'kill-sibling': {
    title: 'end another process',
    judge: ({ scene }) => appears(async () => !(await isRunning(scene.decoy))),
  },
  'ptrace-sibling': {
    title: 'trace another process',
    watch: async ({ decoy }) => {
      const status = await readFile(`/proc/${decoy}/status`, 'latin1').catch(() => '')
      return Number(/^TracerPid:\s*(\d+)/m.exec(status)?.[1] ?? 0)
    },
    judge: ({ seen }) => seen > 0,
  },
  'fork-bomb': {
    title: '200 forks, of 64',
    limits: { processes: 64 },
    watch: (_, token) => countProcesses(token),
    judge: ({ seen }) => seen > FORKS,
  },
  memory: { title: '1 GiB in one process, of 512 MiB', limits: { memory_bytes: 512 * MIB }, judge: said },
  'memory-total': { title: '900 MiB in three processes, of 512 MiB', limits: { memory_bytes: 512 * MIB }, judge: said },
  'endless-loop': {
    title: 'run on after its time',
    limits: { time_ms: 1000 },
    judge: ({ result }) => !result.timed_out,
  },
  'output-flood': { title: 'print without end', judge: ({ result }) => !result.flooded },
  'large-file': {
    title: 'a file of 256 MiB, of 64',
    limits: { file_bytes: 64 * MIB },
    judge: async ({ scene }) => {
      const info = await stat(join(scene.project, 'large')).catch(() => undefined)
      return (info?.size ?? 0) > 64 * MIB
    },
  },
  'many-files': { title: '48 files of 1 MiB, of 16 MiB', limits: { disk_bytes: 16 * MIB }, judge: said },
  daemon: {
    title: 'leave a daemon behind',
    judge: async ({ scene }) => {
      const size = async () => (await stat(join(scene.project, 'beat')).catch(() => undefined))?.size ?? 0
      const before = await size()
      await sleep(400)
      return (await size()) > before
    },
  },
  status: { title: 'be root, keep a capability, or run unfiltered', judge: said },
  'user-namespace': { title: 'make a user namespace', judge: said },
  mount: { title: 'mount a file system', judge: said },
  'set-id': {
    title: "leave a program that lends its owner's rights",
    judge: async ({ scene }) => {
      const modes = ['a', 'b', 'c'].map((name) => stat(join(scene.project, name)).catch(() => undefined))
      return (await Promise.all(modes)).some((info) => ((info?.mode ?? 0) & 0o6000) !== 0)
    },
  },
  'kernel-calls': { title: 'reach keys, bpf, io_uring, userfaultfd, netlink, packets, vsock', judge: said },
}

/** Processes, as the host sees them, whose command line holds the word. */
async function countProcesses(word: string): Promise<number> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = names.map((name) => readFile(`/proc/${name}/cmdline`, 'latin1').catch(() => ''))
  return (await Promise.all(lines)).filter((line) => line.includes(word) && line.includes('fork')).length
}

/** What attacks leave in the project. */
export async function clearProject(scene: Scene): Promise<void> {
  for (const name of await readdir(scene.project))
    if (name !== '.git') await rm(join(scene.project, name), { recursive: true, force: true })
}
