import { type Verdict, verifyRun } from '../../src/engine/engine.ts'
import type { EngineWorld } from '../../src/engine/world.ts'
import type { BundleTools } from '../../src/journal/bundle.ts'
import { bytesSource, openBundle } from '../../src/journal/bundle-reader.ts'
import { goldenKinds } from './kinds.ts'

/** What the place gives in which a bundle is verified: a browser, or a Node of any version. */
export interface Means extends BundleTools, Required<Pick<EngineWorld, 'drain' | 'wait'>> {}

/** Checks a bundle from the first byte to the last and runs it again. Throws OrcError when it is damaged. Time is not looked at. */
export async function verifyBundle(bytes: Uint8Array, means: Means): Promise<Verdict> {
  const bundle = await openBundle(bytesSource(bytes), means)
  const refuse = () => {
    throw new Error('verification looked at the clock')
  }
  const { sha256, drain, wait } = means
  return verifyRun(bundle.events(), {
    world: { sha256, drain, wait, clock: refuse, wake: refuse },
    blobs: { get: (run, digest) => bundle.blobs.get(run, digest), put: () => {} },
    kinds: goldenKinds,
    eventAt: bundle.eventAt,
  })
}
