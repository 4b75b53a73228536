import { spawn } from 'node:child_process'

/** Starts a program that outlives us: its own session, nothing of our terminal, and nobody waits for it. */
export function startDetached(spec: {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: { readonly [name: string]: string }
}): void {
  spawn(spec.program, spec.args, { cwd: spec.cwd, env: spec.env, detached: true, stdio: 'ignore' }).unref()
}
