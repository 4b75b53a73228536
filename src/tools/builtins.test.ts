import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { JsonObject } from '../events/values.ts'
import { createBuiltinTool, pinBuiltin } from './builtin/builtin.ts'
import { makePorts } from './builtin/ports.fixture.ts'
import { BUILTINS } from './builtins.ts'
import { describeTool } from './tool.contract.ts'

const GOOD: { readonly [name: string]: JsonObject } = {
  read_file: { path: 'notes.txt' },
  write_file: { path: 'new/notes.txt', content: 'one' },
  edit_file: { path: 'notes.txt', old_text: 'one', new_text: 'two' },
  list_files: {},
  search_files: { pattern: 'o.e' },
  bash: { command: 'echo one; exit 3' },
}

for (const builtin of BUILTINS) {
  describeTool(builtin.name, async () => {
    const server = builtin.name === 'http_fetch' ? await serve() : undefined
    const host = server === undefined ? '' : `127.0.0.1:${(server.address() as AddressInfo).port}`
    const good = server === undefined ? GOOD[builtin.name] : { url: `http://${host}/` }
    return {
      tool: createBuiltinTool(builtin, makePorts({ private_hosts: [host] })),
      prepare: (cwd) => writeFile(join(cwd, 'notes.txt'), 'one\n'),
      ...(good ? { good } : {}),
      close: async () => void server?.close(),
    }
  })
}

test('pinned, all of them are different, of one source, and the same each time', () => {
  const pinned = BUILTINS.map(pinBuiltin)
  expect(new Set(pinned.map(({ digest }) => digest)).size).toBe(8)
  expect(new Set(pinned.map(({ source }) => source))).toEqual(new Set(['builtin']))
  expect(BUILTINS.map(pinBuiltin)).toEqual(pinned)
  const [first] = BUILTINS
  if (!first) throw new Error('there are none')
  const changes = [{ version: '1.0.1' }, { description: 'x' }, { safety: 'unsafe' as const }, { permissions: {} }]
  for (const change of changes) expect(pinBuiltin({ ...first, ...change }).digest).not.toBe(pinned[0]?.digest)
})

async function serve(): Promise<Server> {
  const server = createServer((_asked, answer) => answer.setHeader('content-type', 'text/plain').end('one'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
