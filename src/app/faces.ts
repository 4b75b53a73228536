import type { App } from './app.ts'

/** Where a server listens, and what it allows. */
export interface HttpWish {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
}

/** The MCP face over standard input and output; with `ensemble` only this one is a tool. */
export interface McpWish {
  readonly ensemble?: string
}

/** A face that is open. */
export interface OpenFace {
  /** Where it can be reached, where that is an address. */
  readonly url?: string
  /** Resolves when it has closed and let go of its runs. */
  readonly closed: Promise<void>
}

/** How asking can arrive from elsewhere, as the program itself provides it: an operation cannot reach the faces. */
export interface Faces {
  /** Listens until the signal fires. */
  openHttp(app: App, wish: HttpWish, signal: AbortSignal): Promise<OpenFace>
  /** Absent where this program has no such face. */
  openMcp?(app: App, wish: McpWish, signal: AbortSignal): Promise<OpenFace>
}
