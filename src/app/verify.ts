import { readEvent, readEvents, type Verdict, verifyRun } from '../engine/engine.ts'
import { OrcError } from '../events/errors.ts'
import type { App } from './app.ts'
import { createNodeWorld } from './node-world.ts'
import { stepKinds } from './ports.ts'

/** Runs the record again without touching anything; the record is streamed, whatever its length. */
export async function verifyStored(app: App, run: string): Promise<Verdict> {
  const store = await app.openJournal()
  const eventAt = (seq: number) => readEvent(store, run, seq)
  const means = { run, world: createNodeWorld(), blobs: store.blobs, kinds: stepKinds, eventAt }
  return verifyRun(readEvents(store, run), means)
}

/** Verifies a bundle where it lies, without importing it. */
export async function verifyFile(file: string): Promise<{ run: string } & Verdict> {
  const { openBundleFile } = await import('../journal/bundle-file.ts')
  const bundle = await openBundleFile(file)
  try {
    const blobs = { get: (run: string, sha256: string) => bundle.blobs.get(run, sha256), put: () => {} }
    const means = { run: bundle.run, world: createNodeWorld(), blobs, kinds: stepKinds, eventAt: bundle.eventAt }
    return { run: bundle.run, ...(await verifyRun(bundle.events(), means)) }
  } finally {
    await bundle.close()
  }
}

/** With LLM_ORC_VERIFY_RUNS set, every run that ends or rests here is verified at once: the test suite proves replay everywhere. */
export async function requireEqual(app: App, run: string): Promise<void> {
  const verdict = await verifyStored(app, run)
  if (verdict.equal) return
  const hint = `Look at it with: llm-orc runs replay ${run}`
  throw new OrcError({
    code: 'replay_differs',
    message: `the run ${run} does not come out the same: ${verdict.message}`,
    hint,
  })
}
