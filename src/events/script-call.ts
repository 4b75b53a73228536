import type { CacheAsk } from './cache-ask.ts'

/**
 * The wall a script asks for, beside what settings demand. Paths as in the permissions of tools; without `read` it sees the project's folder, without
 * `write` it writes to nothing but a home of its own, without `hosts` it has no network.
 */
export type SandboxAsk = {
  /** The name of a tier; default: the usual one. */
  readonly tier?: string
  readonly read?: readonly string[]
  readonly write?: readonly string[]
  readonly hosts?: readonly string[]
  /** Its code is looked at first, and is not run when it breaks the rules for code. */
  readonly rules?: boolean
}

/** What the effect kind `script` is asked. */
export type ScriptRequest = {
  readonly script:
    | {
        readonly type: 'file'
        /** As the ensemble wrote it. */
        readonly reference: string
        readonly path: string
        /** Hex SHA-256 of the file as it was when the definition was resolved. */
        readonly sha256: string
        /** The interpreter's words before the path; empty for a program of its own. */
        readonly program: readonly string[]
      }
    | { readonly type: 'inline'; readonly text: string }
  readonly stdin: string
  /** Beside what every program is given. */
  readonly environment: { readonly [name: string]: string }
  readonly timeout_ms?: number
  /** It asks a person: its standard input is then the terminal and `stdin` is not used. */
  readonly interactive?: boolean
  readonly sandbox?: SandboxAsk
  readonly cache?: CacheAsk
}

/** What came of it. An exit code other than 0 is an answer too; whether it is a failure is the step's decision. */
export type ScriptAnswer = {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
  /** The middle of `stdout` was left out. */
  readonly truncated: boolean
  /** The sandbox it really ran in, where it had one, and every connection it asked for. */
  readonly sandbox?: string
  readonly egress?: readonly {
    readonly method: string
    readonly host: string
    readonly port: number
    readonly allowed: boolean
    readonly reason: string
    readonly address?: string
  }[]
}
