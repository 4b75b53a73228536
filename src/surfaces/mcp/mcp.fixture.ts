/** A project with a server in this process, and official clients of either revision on either transport. */

import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import type { Desk, Served } from '../http/serve.fixture.ts'

export type Era = 'legacy' | 'auto'

const program = join(import.meta.dirname, '..', '..', 'main.ts')

export interface Wishes {
  readonly era: Era
  /** Answers what the user is asked; without it the client cannot be asked. */
  answer?(message: string): { action: 'accept'; content: Record<string, string | boolean> } | { action: 'decline' }
  changed?(): void
}

export async function connectHttp({ url }: Pick<Served, 'url'>, wishes: Wishes): Promise<Client> {
  const client = makeClient(wishes)
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`)))
  return client
}

export async function connectStdio(
  desk: Desk,
  wishes: Wishes,
  words: readonly string[] = ['mcp', 'serve'],
): Promise<Client> {
  const client = makeClient(wishes)
  const env = Object.fromEntries(
    Object.entries(desk.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, ...words],
    cwd: desk.cwd,
    env,
    stderr: 'pipe',
  })
  await client.connect(transport)
  return client
}

function makeClient({ era, answer, changed }: Wishes): Client {
  const client = new Client(
    { name: 'test', version: '1.0.0' },
    {
      capabilities: answer ? { elicitation: { form: {} } } : {},
      versionNegotiation: { mode: era },
      ...(changed ? { listChanged: { tools: { onChanged: () => changed() } } } : {}),
    },
  )
  if (answer) client.setRequestHandler('elicitation/create', async ({ params }) => answer(params.message))
  return client
}

/** What a tool answered, as data. */
export async function callTool<T = Record<string, unknown>>(
  client: Client,
  name: string,
  given: Record<string, unknown> = {},
): Promise<{ readonly data: T; readonly text: string; readonly failed: boolean }> {
  const result = await client.callTool({ name, arguments: given })
  const content = result.content as readonly { readonly type: string; readonly text?: string }[]
  return { data: (result.structuredContent ?? {}) as T, text: content[0]?.text ?? '', failed: result.isError === true }
}

export async function readJson<T>(client: Client, uri: string): Promise<T> {
  const { contents } = await client.readResource({ uri })
  const [content] = contents as readonly { readonly text?: string }[]
  return JSON.parse(content?.text ?? 'null') as T
}
