/**
 * The one list of codes. A test compares it with docs/errors.md; every code has a heading there.
 * `exit` is the process exit code when this failure ends a command.
 */
export const ERROR_CODES = {
  bad_input: { exit: 2, summary: 'Something in the request is missing or has the wrong form.' },
  unknown_command: { exit: 2, summary: 'There is no such command.' },
  not_found: { exit: 2, summary: 'The thing that was named does not exist.' },
  internal: { exit: 1, summary: 'The program itself is broken; please report it.' },
} as const satisfies Record<string, { exit: number; summary: string }>

export type ErrorCode = keyof typeof ERROR_CODES

/** Where a problem stands in a file; lines and columns count from 1. */
export interface Place {
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

/** One expected failure as data: what, where, and what to do next. */
export interface Problem extends Place {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string
  readonly severity?: 'error' | 'warning'
}

/** The only error class: an expected failure on its way to the user. Programming errors stay ordinary `Error`s. */
export class OrcError extends Error {
  readonly problems: readonly Problem[]
  constructor(problems: Problem | readonly Problem[]) {
    const list = Array.isArray(problems) ? (problems as readonly Problem[]) : [problems as Problem]
    super(list.map((problem) => problem.message).join('\n'))
    this.name = 'OrcError'
    this.problems = list
  }
  get code(): ErrorCode {
    return this.problems[0]?.code ?? 'internal'
  }
}
