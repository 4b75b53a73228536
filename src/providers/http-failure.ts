/** The only error this room's HTTP throws. */
export class HttpFailure extends Error {
  readonly kind: 'aborted' | 'unreachable' | 'reset' | 'malformed' | 'invalid'
  /** `no` as long as no byte of the request was written. */
  readonly touched: 'no' | 'maybe' | 'yes'
  /** The system's or library's error code, for example `ECONNREFUSED`. */
  readonly reason: string
  constructor(
    kind: HttpFailure['kind'],
    touched: HttpFailure['touched'],
    more: { readonly reason?: string; readonly cause?: unknown } = {},
  ) {
    super(`http ${kind}${more.reason ? `: ${more.reason}` : ''}`, { cause: more.cause })
    this.name = 'HttpFailure'
    this.kind = kind
    this.touched = touched
    this.reason = more.reason ?? ''
  }
}
