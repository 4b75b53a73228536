import type { HttpBindings } from '@hono/node-server'
import type { Context, Hono } from 'hono'
import type { App } from '../../app/app.ts'
import type { Operation } from '../../app/operation.ts'
import type { Principal } from '../../app/principal.ts'
import type { RunHost } from '../../app/run-host.ts'
import type { RunFrames } from './frames.ts'
import type { Metrics } from './metrics.ts'
import type { OpenStreams, StreamDesk } from './open-streams.ts'

/** What a request brings along beside itself: Node's own objects, absent where there is no socket. */
export type FaceEnv = {
  Bindings: Partial<HttpBindings>
  Variables: { requestId: string; means: CallerMeans; retryAfter: number }
}
export type FaceContext = Context<FaceEnv>
export type FaceRoutes = Hono<FaceEnv>

/** What every family of routes works with. Of the program only what is nobody's: the rest is the caller's, at `c.get('means')`. */
export interface Means {
  readonly app: Pick<App, 'redact' | 'warnings'>
  readonly host: RunHost
  readonly operations: ReadonlyMap<string, Operation>
  readonly frames: RunFrames
  readonly streams: OpenStreams
  readonly metrics: Metrics
  readonly version: string
}

/** The same for one request: who asks, and the program as this caller may see it. */
export interface CallerMeans extends Omit<Means, 'streams'> {
  readonly app: App
  readonly principal: Principal
  /** What is opened here is closed when the caller's key is revoked. */
  readonly streams: StreamDesk
  /** Counts a message as a request. Throws OrcError `access_limited`. */
  spend(): void
}
