import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createNodeWorld } from '../../src/app/node-world.ts'
import type { EngineWorld } from '../../src/engine/world.ts'
import { nodeTools } from '../../src/journal/bundle-file.ts'
import { listGolden } from './releases.ts'
import { verifyBundle } from './verify-bundle.ts'

const { drain, wait } = createNodeWorld() as Required<EngineWorld>
const golden = listGolden()

describe('journals of every release verify with the engine of today', () => {
  test.each(golden)('$release $name: $events events', async ({ bytes, events, head }) => {
    const verdict = await verifyBundle(bytes, { ...nodeTools, drain, wait })
    expect(verdict).toEqual({ equal: true, events, taken: [], redacted: [], finished: true, head })
  })

  test('no bundle lies there unlisted', () => {
    const listed = golden.map(({ release, name }) => join(release, `${name}.bundle`))
    const files = readdirSync(import.meta.dirname, { recursive: true }).map(String)
    expect(files.filter((file) => file.endsWith('.bundle')).sort()).toEqual(listed.sort())
  })

  test('they hold what a run can meet', () => {
    const types = new Set<string>()
    const failures = new Set<string>()
    for (const { bytes } of golden) {
      for (const line of bytes.toString().trimEnd().split('\n')) {
        const { event } = JSON.parse(line) as { event?: { type: string; data: { code?: string } } }
        if (event) types.add(event.type)
        if (event?.data.code !== undefined) failures.add(event.data.code)
      }
    }
    expect([...types].sort()).toEqual([
      'cancel-requested',
      'effect-done',
      'effect-failed',
      'effect-intended',
      'effect-unknown',
      'message-sent',
      'note-written',
      'run-finished',
      'run-forked',
      'run-paused',
      'run-resumed',
      'run-started',
      'step-cancelled',
      'step-failed',
      'step-finished',
      'step-retried',
      'step-routed',
      'step-skipped',
      'step-started',
      'steps-added',
      'timer-fired',
    ])
    expect([...failures].sort()).toEqual([
      'aborted',
      'provider_auth',
      'provider_overloaded',
      'script_failed',
      'step_threw',
      'timeout',
    ])
  })
})
