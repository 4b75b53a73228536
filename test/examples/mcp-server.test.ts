/** The client configuration of the guide is taken as it stands: an official client starts what it says. */
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { expect, test } from 'vitest'
import { makeServedProject } from '../../src/surfaces/http/serve.fixture.ts'
import { root } from '../processes.ts'
import { readBlocks } from './markdown.ts'

interface Configuration {
  readonly mcpServers: { readonly [name: string]: { readonly command: string; readonly args: readonly string[] } }
}

test('a client that is told as in the guide runs an ensemble', async () => {
  const block = readBlocks('docs/guides/mcp-server.md').find(({ language }) => language === 'json')
  const { mcpServers } = JSON.parse(block?.lines.join('\n') ?? '') as Configuration
  const [told] = Object.values(mcpServers)
  expect(told?.command).toBe('llm-orc')
  const desk = makeServedProject({
    'ensembles/one.yaml': 'name: one\ndescription: One.\nagents: [{ name: a, model_profile: p }]\n',
  })
  const env = Object.fromEntries(Object.entries(desk.env).map(([name, value]) => [name, value ?? '']))
  const args = [`${root}/src/main.ts`, ...(told?.args ?? [])]
  const client = new Client({ name: 'guide', version: '1.0.0' })
  await client.connect(new StdioClientTransport({ command: process.execPath, args, cwd: desk.cwd, env }))
  const result = await client.callTool({ name: 'ensemble_one', arguments: { input: 'tea' } })
  expect(result.content).toEqual([{ type: 'text', text: 'tea' }])
  await client.close()
})
