import { basename } from 'node:path'
import type { Limits } from './sandbox.ts'

/** Runtimes that reserve far more addresses than they use: only what they write to can be counted. */
const RESERVING = /^(?:node|deno|bun|java|ruby|php|go|sh|bash|dash|zsh|env)/
/** Below this Node does not start. */
const LEAST_DATA = 1024 ** 3

/** The resource limits of a program as `[name, value]` of prlimit. Interpreters start others, so for shells too only data is counted. */
export function resourceLimits(limits: Limits, program: string): readonly (readonly [string, number])[] {
  const name = basename(program)
  const memory: readonly [string, number] = RESERVING.test(name)
    ? ['data', Math.max(limits.memory_bytes, LEAST_DATA)]
    : ['as', limits.memory_bytes]
  return [
    memory,
    ['nproc', limits.processes],
    ['fsize', limits.file_bytes],
    ['nofile', limits.open_files],
    // Wall time is what ends a program; this ends the ones that hide from us.
    ['cpu', Math.ceil(limits.time_ms / 1000) + 5],
    ['core', 0],
  ]
}

/** The words that set them, before the command. */
export function limitWords(prlimit: string, limits: Limits, program: string): readonly string[] {
  return [prlimit, ...resourceLimits(limits, program).map(([name, value]) => `--${name}=${value}:${value}`), '--']
}
