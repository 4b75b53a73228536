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
}

/** What came of it. An exit code other than 0 is an answer too; whether it is a failure is the step's decision. */
export type ScriptAnswer = {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
  /** The middle of `stdout` was left out. */
  readonly truncated: boolean
}
