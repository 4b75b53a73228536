/** The one tool that victims have: unsafe, so that a person is asked, and counted wherever it touches the world. */

import { createToolExecutor } from '../../src/effects/tool.ts'
import type { Executor } from '../../src/engine/effect.ts'
import type { Policy } from '../../src/engine/policy.ts'
import type { ModelRequest } from '../../src/events/messages.ts'
import type { PinnedTool, ToolRequest } from '../../src/events/tool-call.ts'
import type { Json } from '../../src/events/values.ts'
import { createPolicy } from '../../src/trust/policy.ts'

export const SEND: PinnedTool = {
  name: 'send',
  version: '1.0.0',
  description: 'sends a letter',
  input_schema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
  safety: 'unsafe',
  permissions: {},
  source: 'builtin',
  digest: 'as it was pinned',
}

export function requestOf(n: number): ToolRequest {
  const { name, version, source, digest, permissions } = SEND
  return { tool: name, version, source, digest, arguments: { n }, call: `${n}`, permissions }
}

/** Every third letter is one that nobody would send. */
export function isWanted(request: Json): boolean {
  const { arguments: args } = request as unknown as ToolRequest
  return (args['n'] as number) % 3 !== 0
}

/** What the program itself would have without any policy file: unsafe tools are asked about. */
export function createAskingPolicy(sha256: (text: string) => string): Policy {
  return createPolicy({ levels: [], digest: 'no rules', sha256 })
}

/** The executor of the program; `touch` is the deed. */
export function createSendExecutor(touch: (key: string) => Promise<void>): Executor {
  return {
    kind: 'tool',
    run: (order, means) => {
      const send = async () => {
        await touch(order.key)
        return { ok: true, output: 'sent' } as const
      }
      const { input_schema: input, ...pinned } = SEND
      const tool = { ...pinned, schemas: { input }, run: send }
      const find = async () => ({ tool, digest: SEND.digest, outside: false })
      return createToolExecutor({ cwd: '/', find }).run(order, means)
    },
  }
}

/** A model that makes three calls, then two, then says that it is done. */
export function answerModel(request: Json): Json {
  const { messages } = request as unknown as ModelRequest
  const turn = messages.filter(({ role }) => role === 'tool').length
  const letters = [[1, 2, 3], [4, 6], []][turn] ?? []
  const calls = letters.map((n) => ({ type: 'tool-call', id: `${n}`, name: 'send', arguments: `{"n":${n}}` }))
  return {
    content: [{ type: 'text', text: 'so' }, ...calls],
    finish: calls.length > 0 ? 'tool-calls' : 'stop',
    usage: {},
  }
}
