import { describe, expect, test } from 'vitest'
import { createNodeWorld } from '../../src/app/node-world.ts'
import { createModelExecutor } from '../../src/effects/model.ts'
import { createSteerExecutor } from '../../src/effects/steer.ts'
import { createToolExecutor } from '../../src/effects/tool.ts'
import { readEvents, startRun, verifyRun } from '../../src/engine/engine.ts'
import type { Event } from '../../src/events/event.ts'
import type { PinnedTool } from '../../src/events/tool-call.ts'
import { createMemoryJournal } from '../../src/journal/memory.ts'
import { openContractServer } from '../../src/providers/contract-server.fixture.ts'
import { CONTRACT_ARGUMENTS, CONTRACT_KEY } from '../../src/providers/provider.contract.ts'
import { createProvider, findVendor } from '../../src/providers/vendors.ts'
import { agentStep } from '../../src/steps/agent.ts'
import type { Tool } from '../../src/tools/tool.ts'

const lookup: Tool = {
  name: 'lookup',
  version: '1.0.0',
  description: 'Looks up the weather of a city.',
  schemas: {
    input: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'number' } },
      required: ['city', 'days'],
    },
  },
  safety: 'pure',
  permissions: {},
  run: async () => ({ ok: true, output: { sunny: true } }),
}
const pinned: PinnedTool = {
  name: lookup.name,
  version: lookup.version,
  description: lookup.description,
  input_schema: lookup.schemas.input,
  safety: lookup.safety,
  permissions: {},
  source: 'catalog',
  digest: 'd',
}

describe('the tool loop over each wire', () => {
  const wires = [
    ['openai', '/v1'],
    ['anthropic', '/v1'],
    ['google', '/v1beta'],
    ['ollama', ''],
    ['xai', '/v1'],
    ['lmstudio', '/v1'],
  ] as const
  test.each(
    wires.flatMap(([vendor, path]) => [
      { vendor, path, how: 'streamed', stream: true },
      { vendor, path, how: 'whole', stream: false },
    ]),
  )('$vendor, $how: ask, call, result, answer; the same again from the journal', async ({ vendor, path, stream }) => {
    const server = await openContractServer()
    try {
      const found = findVendor(vendor)
      if (!found) throw new Error(vendor)
      const provider = await createProvider(found, { base_url: server.url + path, key: () => CONTRACT_KEY, stream })
      const asked: unknown[] = []
      const world = createNodeWorld()
      const { journal, blobs } = createMemoryJournal()
      const find = async () => ({ tool: lookup, digest: 'd', outside: false })
      const tools = createToolExecutor({ cwd: '/', find })
      const ports = {
        world,
        journal,
        blobs,
        kinds: { agent: agentStep },
        executors: {
          model: createModelExecutor({ provider: async () => provider, clock: world.clock, wake: world.wake }),
          tool: {
            ...tools,
            run: (...call: Parameters<typeof tools.run>) => {
              asked.push((call[0].request as { arguments: unknown }).arguments)
              return tools.run(...call)
            },
          },
          steer: createSteerExecutor(async () => []),
        },
      }
      const spec = {
        agent: 'a',
        title: 'a',
        system: '',
        candidates: [{ provider: vendor, model: 'm' }],
        blocks: [],
        tools: [pinned],
      }
      const run = await startRun(ports, {
        run: 'r',
        graph: { name: 'g', steps: [{ id: 'a', kind: 'agent', spec }] },
        input: 'use a tool',
        seed: 's',
        run_key: world.sha256('key'),
        target: { kind: 'graph', name: 'g' },
        started_by: 'code',
      })
      expect(await run.ended).toMatchObject({ outcome: 'finished', status: 'succeeded' })
      const events: Event[] = []
      for await (const event of readEvents(ports, 'r')) events.push(event)
      const bodies = server.mock.getRequests().map(({ path: at, body }) => ({ at, body }))
      const streamed = bodies.map(
        ({ at, body }) => at.includes('stream') || (body as { stream?: boolean })?.stream === true,
      )
      expect(streamed).toEqual([stream, stream])
      expect(asked).toEqual([JSON.parse(CONTRACT_ARGUMENTS)])
      expect(
        events.flatMap((event) => (event.type === 'step-finished' ? [event.data.output.inline?.text] : [])),
      ).toEqual(['"found it"'])
      const verdict = await verifyRun(events, {
        world,
        blobs,
        kinds: ports.kinds,
        eventAt: async (seq) => events[seq - 1],
      })
      expect(verdict).toMatchObject({ equal: true })
    } finally {
      await server.close()
    }
  })
})
