/**
 * The client that the official conformance suite tests: `client.ts URL`, with the scenario in the environment. It does what an agent
 * would: connects, lists the tools, and calls every one of them with arguments that follow its schema. A login is answered by asking
 * for the page and following it back, as the browser of somebody who agrees.
 */

import type { Json, JsonObject } from '../../src/events/values.ts'
import { findMismatches } from '../../src/graph/json-schema.ts'
import type { LoginSpec } from '../../src/tools/mcp/login.ts'
import { connectMcp } from '../../src/tools/mcp-client.ts'

interface Context {
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: JsonObject }[]
  readonly client_id?: string
  readonly client_secret?: string
}

const url = new URL(process.argv.at(-1) ?? '')
const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? ''
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}') as Context
const { signal } = new AbortController()

const login: LoginSpec = {
  client_metadata_url: 'https://conformance-test.local/client-metadata.json',
  ...(context.client_id === undefined ? {} : { client_id: context.client_id }),
  ...(context.client_secret === undefined ? {} : { client_secret: context.client_secret }),
  ...(scenario.includes('client-credentials') ? { grant: 'client_credentials' } : {}),
}

const connection = await connectMcp(
  { name: 'suite', to: { url, headers: {}, login }, timeout_ms: 20_000 },
  {
    version: '0.1.0',
    askPerson: async () => ({ action: 'accept', content: {} }),
    showLogin: async (page) => {
      await fetch(page, { redirect: 'follow' })
      return true
    },
    mismatches: findMismatches,
    note: (text) => console.error(text),
  },
  signal,
)
const { tools, refused } = await connection.listTools(signal)
for (const { name, reason } of refused) console.error(`${name}: ${reason}`)
const calls =
  context.toolCalls ?? [...tools.values()].map(({ name, input_schema }) => ({ name, arguments: fill(input_schema) }))
const means = { signal, progress: () => {} }
for (const round of ['one by one', 'side by side']) {
  const perform = async ({ name, arguments: args }: (typeof calls)[number]) => {
    const tool = tools.get(name)
    const outcome = tool && (await connection.callTool(tool, args, means))
    console.log(`${round}: ${name} ${JSON.stringify(outcome).slice(0, 300)}`)
  }
  if (round === 'side by side') await Promise.all(calls.map(perform))
  else for (const call of calls) await perform(call)
  // Further calls would only be counted as further tries.
  if (scenario.startsWith('auth/') || scenario === 'sse-retry') break
}
await connection.close()

function fill(schema: JsonObject): JsonObject {
  const properties = (schema['properties'] ?? {}) as { readonly [name: string]: JsonObject }
  const required = new Set((schema['required'] ?? []) as readonly string[])
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => required.has(name))
      .map(([name, { type }]): [string, Json] => [
        name,
        type === 'number' || type === 'integer' ? 5 : type === 'boolean' ? true : 'text',
      ]),
  )
}
