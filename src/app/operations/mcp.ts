import { basename, resolve } from 'node:path'
import * as z from 'zod'
import { editConfig, findOwnConfig } from '../../config/edit-config.ts'
import type { McpServerWords } from '../../config/mcp-schema.ts'
import { type McpServerEntry, readMcpServers } from '../../config/mcp-servers.ts'
import { OrcError } from '../../events/errors.ts'
import type { Json } from '../../events/values.ts'
import type { McpConnection } from '../../tools/mcp-client.ts'
import { createHost, describeListing, describeUntrusted, findServer, listTools, open, pinAll } from '../mcp.ts'
import { makeTarget } from '../mcp-target.ts'
import { digestServer, distrustServer, isTrusted, trustServer } from '../mcp-trust.ts'
import { defineOperation } from '../operation.ts'

const server = z.string().min(1).describe('The name of the server.')
const what = z.string().min(1).describe('The address, or the program and its arguments in one text.')

export const listMcpServers = defineOperation({
  name: 'mcp servers list',
  summary: 'List the MCP servers, where each is written down, and whether it may be started.',
  input: z.object({}),
  run: async (_, { app }) => {
    const { servers, problems } = await readMcpServers(app.config)
    const described = servers.map(async (entry) => {
      const trusted = await isTrusted(app.paths, entry)
      return {
        name: entry.name,
        ...describeWhat(entry),
        file: entry.file,
        enabled: entry.words.enabled !== false,
        trusted,
        digest: digestServer(entry),
      }
    })
    return { servers: await Promise.all(described), problems }
  },
})

export const addMcpServer = defineOperation({
  name: 'mcp servers add',
  summary: 'Write a server into the configuration: the program to start, or the address of one that runs.',
  input: z.object({
    name: server,
    what,
    arg: z.array(z.string()).optional().describe('An argument of the program, taken as it is.'),
    env: z.array(z.string()).optional().describe('NAME=VALUE for the program; ${NAME} stands for a variable of yours.'),
    header: z.array(z.string()).optional().describe('NAME=VALUE to send to the address.'),
    safety: z
      .enum(['pure', 'idempotent', 'unsafe'])
      .optional()
      .describe('Of all its tools; without it they are unsafe.'),
    prefix: z.string().optional().describe('To put before the names of its tools.'),
  }),
  run: async (input, { app }) => {
    const words = readWords(input)
    const file = await findOwnConfig(app.paths)
    await editConfig(file, ['mcp_servers', input.name], words as unknown as Json)
    const folder = app.paths.project ?? app.paths.cwd
    const entry: McpServerEntry = {
      name: input.name,
      words,
      level: 'project',
      file,
      place: { file },
      own: false,
      folder,
      inputs: [],
    }
    // Who writes it down has seen it.
    await trustServer(app.paths, entry)
    return { name: input.name, ...describeWhat(entry), file }
  },
})

export const removeMcpServer = defineOperation({
  name: 'mcp servers remove',
  summary: 'Take a server out of the configuration.',
  input: z.object({ name: server }),
  run: async ({ name }, { app }) => {
    const entry = await findServer(app, name)
    const file = await findOwnConfig(app.paths)
    if (entry.file !== file)
      throw new OrcError({
        code: 'bad_input',
        message: `the server ${name} stands in ${entry.file}`,
        hint: 'Only what stands in the configuration of this place is removed here; edit that file.',
      })
    await editConfig(file, ['mcp_servers', name], undefined)
    await distrustServer(app.paths, entry)
    return { name, file, removed: true }
  },
})

export const trustMcpServer = defineOperation({
  name: 'mcp servers trust',
  summary: 'Let a server that a project brings be started, exactly as it is written now.',
  input: z.object({
    name: server,
    digest: z
      .string()
      .optional()
      .describe('What was looked at, as `mcp servers list` shows it; at least 12 characters.'),
  }),
  run: async ({ name, digest }, { app }) => {
    const entry = await findServer(app, name)
    const now = digestServer(entry)
    const { code, ...untrusted } = describeUntrusted(entry)
    if (digest === undefined) throw new OrcError({ ...untrusted, code: 'confirmation_needed' })
    if (digest.length < 12 || !now.startsWith(digest))
      throw new OrcError({
        ...untrusted,
        code,
        message: `the server ${name} is not what was looked at; ${untrusted.message}`,
      })
    if (!entry.own) await trustServer(app.paths, entry)
    return { name, ...describeWhat(entry), file: entry.file, trusted: true, digest: now }
  },
})

export const testMcpServer = defineOperation({
  name: 'mcp servers test',
  summary: 'Connect with a server and show what it offers.',
  input: z.object({ name: server }),
  run: async ({ name }, { app, signal }) => {
    const entry = await findServer(app, name)
    const mcp = await app.openMcp()
    return describeServer(entry, await mcp.connect(name, signal))
  },
})

export const probeMcp = defineOperation({
  name: 'mcp probe',
  summary: 'Connect with a server that is written down nowhere, and show what it offers.',
  input: z.object({
    what,
    arg: z.array(z.string()).optional().describe('An argument of the program, taken as it is.'),
    header: z.array(z.string()).optional().describe('NAME=VALUE to send to the address.'),
    env: z.array(z.string()).optional().describe('NAME=VALUE for the program.'),
    login: z.boolean().default(true).describe('Log in where the server wants it.'),
  }),
  run: async (input, { app, signal }) => {
    const words = readWords(input)
    const { command, url = '' } = words
    const name = command === undefined ? (URL.parse(url)?.host ?? url) : basename(command)
    const folder = app.paths.cwd
    const entry: McpServerEntry = {
      name,
      words: { ...words, ...(input.login ? {} : { oauth: false as const }) },
      level: 'user',
      file: '',
      place: {},
      own: true,
      folder: resolve(folder),
      inputs: [],
    }
    const connection = await open(makeTarget(app, entry), createHost({}), signal)
    try {
      return await describeServer(entry, connection)
    } finally {
      await connection.close()
    }
  },
})

async function describeServer(entry: McpServerEntry, connection: McpConnection) {
  const listing = await listTools(connection, entry.name)
  const pinned = pinAll(entry, listing)
  const { era, protocol, server: said } = connection
  return {
    name: entry.name,
    ...describeWhat(entry),
    era,
    protocol,
    ...(said ? { server: said } : {}),
    tools: pinned.map(({ tool: { name, description, safety, digest, input_schema } }) => ({
      name,
      description,
      safety,
      digest,
      input_schema,
    })),
    problems: describeListing(entry.name, listing, pinned),
  }
}

function describeWhat({
  words,
}: McpServerEntry): { readonly url: string } | { readonly command: string; readonly env?: readonly string[] } {
  if (words.url !== undefined) return { url: words.url }
  const env = Object.keys(words.env ?? {})
  return { command: [words.command, ...(words.args ?? [])].join(' '), ...(env.length > 0 ? { env } : {}) }
}

function readWords(input: {
  readonly what: string
  readonly arg?: readonly string[] | undefined
  readonly env?: readonly string[] | undefined
  readonly header?: readonly string[] | undefined
  readonly safety?: McpServerWords['safety']
  readonly prefix?: string | undefined
}): McpServerWords {
  const [first = '', ...rest] = splitWords(input.what)
  const args = [...rest, ...(input.arg ?? [])]
  const more = {
    ...(input.safety === undefined ? {} : { safety: input.safety }),
    ...(input.prefix === undefined ? {} : { prefix: input.prefix }),
  }
  if (/^https?:\/\//i.test(first)) {
    if (args.length > 0) throw new OrcError({ code: 'bad_input', message: 'an address takes no arguments' })
    return { url: first, ...(input.header ? { headers: readPairs(input.header) } : {}), ...more }
  }
  return {
    command: first,
    ...(args.length > 0 ? { args } : {}),
    ...(input.env ? { env: readPairs(input.env) } : {}),
    ...more,
  }
}

function readPairs(pairs: readonly string[]): { [name: string]: string } {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)]
      throw new OrcError({ code: 'bad_input', message: `"${pair}" should be NAME=VALUE` })
    }),
  )
}

/** Words of a command line, quotes kept together. No shell: nothing else means anything. */
function splitWords(line: string): readonly string[] {
  const words = line.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? []
  return words.map((word) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_, double, single) => double ?? single))
}
