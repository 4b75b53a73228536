import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, test } from 'vitest'
import { resumeFrom, runWithLaws } from '../../test/laws.ts'
import { countTokens } from '../effects/count.ts'
import { createModelExecutor } from '../effects/model.ts'
import { type Usage } from '../events/messages.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { createOllama } from '../providers/ollama.ts'
import { agentStep } from './agent.ts'

import { answerOf, long, play } from './fit.fixture.ts'

describe('a server that cuts in silence', () => {
  const servers: { close(): void }[] = []
  afterAll(() => {
    for (const server of servers) server.close()
  })

  /** Speaks as Ollama does: what is above `num_ctx` falls off the front, and only the count tells. */
  async function openCutting(): Promise<string> {
    const server = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => (body += text))
      request.on('end', () => void answer())
      const answer = async () => {
        const { messages, options } = JSON.parse(body) as {
          messages: { content: string }[]
          options?: { num_ctx?: number }
        }
        const [tokens = 0] = await countTokens([messages.map(({ content }) => content).join('\n')])
        const prompt_eval_count = Math.min(tokens, options?.num_ctx ?? 2048)
        const line = {
          model: 'm',
          message: { role: 'assistant', content: 'sure' },
          done: true,
          done_reason: 'stop',
          prompt_eval_count,
          eval_count: 1,
        }
        response.setHeader('content-type', 'application/x-ndjson')
        response.end(`${JSON.stringify(line)}\n`)
      }
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  test('F12, U31: the step stops, with what was expected and what was counted', async () => {
    const base_url = await openCutting()
    const provider = createOllama({ base_url })
    const executor = createModelExecutor({
      provider: () => provider,
      clock: () => performance.now(),
      wake: () => () => {},
    })
    const ask = async (input: string, context: JsonObject = {}) => {
      const recorded: { type: string; facts: JsonObject }[] = []
      const spec = {
        agent: 'a',
        title: 'A',
        system: 'be good',
        blocks: [],
        candidates: [{ provider: 'ollama', model: 'm' }],
        context,
      }
      const ended = agentStep.run(
        { id: 'a', kind: 'agent', attempt: 1, spec },
        { input, dependencies: [] },
        {
          effect: async (order) => {
            const done = await executor.run(
              { ...order, run: 'r', step: 'a', attempt: 1, key: 'k', tries: 1, idempotency_key: 'i' },
              { signal: new AbortController().signal, stream: () => {} },
            )
            if (!done.ok) throw new Error(done.message)
            return done.answer
          },
          propose: () => Promise.reject(new Error('no')),
          record: (type: string, facts: JsonObject) => void recorded.push({ type, facts }),
          stream: () => {},
          now: () => 0,
          random: () => 0,
          signal: new AbortController().signal,
        },
      )
      return {
        recorded,
        ended: await ended.then(
          (result) => result.output,
          (error: unknown) => error,
        ),
      }
    }
    const prose = 'The committee met again on Thursday and talked about the bridge. '
    expect((await ask(prose.repeat(100))).ended).toBe('sure')
    const { ended } = await ask(prose.repeat(400))
    expect(ended).toMatchObject({
      code: 'context_cut',
      message: expect.stringMatching(/has read 2048 tokens, but it was sent at least 4\d\d\d/) as string,
    })
    const noted = await ask(prose.repeat(400), { silent_cut: 'note' })
    expect(noted.ended).toBe('sure')
    expect(noted.recorded.at(-1)?.facts).toMatchObject({ about: 'context_cut', counted: 2048 })
  })

  test('U31: a server that counts nothing, or honestly, is left alone', async () => {
    const input = long('word', 500)
    const counts: (Usage | undefined)[] = [undefined, {}, { input: 0 }, { input: (await countTokens([input]))[0] ?? 0 }]
    for (const usage of counts) {
      const { failed } = await play({ input, model: () => ({ text: 'ok', ...(usage ? { usage } : {}) }) })
      expect(failed).toBeUndefined()
    }
    const { failed } = await play({ input, model: () => ({ text: 'ok', usage: { input: 100 } }) })
    expect(failed?.code).toBe('context_cut')
  })
})

test('a run that an earlier version began goes on as it began', async () => {
  const older = { kind: 'agent', version: 1, run: agentStep.older?.[1] ?? agentStep.run }
  const spec = { agent: 'a', title: 'A', system: 's', blocks: [], candidates: [{ provider: 'p', model: 'm' }] }
  const answer = answerOf({ text: 'hi' }, 1) as unknown as Json
  const executors = () => ({ model: { kind: 'model', run: async () => ({ ok: true, answer }) as const } })
  const { events, room } = await runWithLaws(
    { name: 'g', steps: [{ id: 'a', kind: 'agent', spec }] },
    { kinds: { agent: older }, cuts: () => [], executors },
  )
  expect(events.some(({ type }) => type === 'context-built')).toBe(false)
  const options = { kinds: { agent: agentStep }, executors }
  for (let cut = 1; cut < events.length; cut += 1) {
    const resumed = await resumeFrom(events, { cut, room, options })
    expect(resumed.at(-1)).toMatchObject({ type: 'run-finished', data: { status: 'succeeded' } })
    const began = resumed.find(({ type }) => type === 'step-started')
    // A step that had not begun runs as agents do now.
    const isNew = began?.type === 'step-started' && began.data.version === agentStep.version
    expect(resumed.some(({ type }) => type === 'context-built')).toBe(isNew)
  }
})
