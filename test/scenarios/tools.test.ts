/** Tools in their versions: what a run pinned is what it uses, whatever is installed later. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { App } from '../../src/app/app.ts'
import { createApp } from '../../src/app/create-app.ts'
import { resolveStep } from '../../src/app/operations/runs.ts'
import { listToolsOperation, migrateTool, newTool, showTool, testTool } from '../../src/app/operations/tools.ts'
import { type RunResult, runTarget } from '../../src/app/runs.ts'
import { createToolShop, readCatalog, resolveTools } from '../../src/app/tools.ts'
import { verifyStored } from '../../src/app/verify.ts'
import { OrcError } from '../../src/events/errors.ts'
import type { PinnedTool, ToolRequest } from '../../src/events/tool-call.ts'
import type { JsonObject } from '../../src/events/values.ts'
import { root } from '../processes.ts'
import { makeProject } from './project.ts'

const shipped = join(root, 'library', 'tools', 'calculator')
const { signal } = new AbortController()
/** A weaker wall is for the user to name, not for the project. */
const WALL = { LLM_ORC_SANDBOX_FALLBACK: 'process' }

interface Place {
  readonly app: App
  readonly cwd: string
  /** Copies a shipped version of the calculator into the project. */
  install(version: string): void
}

async function open(files: Record<string, string> = {}): Promise<Place> {
  const { cwd, env } = makeProject(files)
  const app = await createApp({ cwd, env: { ...env, ...WALL } })
  onTestFinished(() => app.close())
  const tools = join(cwd, '.llm-orc', 'tools', 'calculator')
  return { app, cwd, install: (version) => cpSync(join(shipped, version), join(tools, version), { recursive: true }) }
}

async function pin(app: App, reference: string): Promise<PinnedTool> {
  const { tools, problems } = await resolveTools(app, [reference])
  expect(problems).toEqual([])
  return tools[0] as PinnedTool
}

/** A run that asks a person first and then calculates, so that it rests before the tool is used. */
async function startResting(app: App, calculator: PinnedTool, args: JsonObject): Promise<RunResult> {
  const ask = await pin(app, 'ask_user')
  const steps = [
    { id: 'ask', kind: 'tool', spec: { tool: ask, arguments: { question: 'Shall I?' } } as unknown as JsonObject },
    {
      id: 'sum',
      kind: 'tool',
      spec: { tool: calculator, arguments: args } as unknown as JsonObject,
      after: [{ step: 'ask', on: 'success' as const }],
    },
  ]
  const target = {
    kind: 'prompt' as const,
    name: 'sums',
    graph: { name: 'sums', steps },
    files: [],
    warnings: [],
    notes: [],
  }
  return runTarget(app, { target, input: '' }, { signal })
}

const answer = (app: App, run: string) =>
  resolveStep.run({ run, step: 'ask', outcome: 'done', answer: '"yes"', accept_changed: false }, { app, signal })

const outputOf = ({ report }: RunResult) => report.agents.find(({ name }) => name === 'sum')

describe('a run uses the version it pinned', () => {
  test('newer versions come, it goes on with its own, and replays the same when all of them are gone', async () => {
    const { app, cwd, install } = await open()
    install('1.0.0')
    const old = await pin(app, 'calculator')
    expect(old.version).toBe('1.0.0')
    const rested = await startResting(app, old, { operation: 'add', a: 20, b: 22 })
    expect(rested).toMatchObject({ status: 'paused', questions: [{ question: 'Shall I?' }] })
    install('1.1.0')
    install('2.0.0')
    expect((await pin(app, 'calculator')).version).toBe('2.0.0')
    const done = await answer(app, rested.run)
    expect(done.status).toBe('succeeded')
    expect(outputOf(done)?.output).toEqual({ result: 42 })
    rmSync(join(cwd, '.llm-orc', 'tools'), { recursive: true })
    expect(await verifyStored(app, rested.run)).toMatchObject({ equal: true })
  })

  test('its own version changed in one byte, or gone, is refused before anything runs', async () => {
    const { app, cwd, install } = await open()
    install('1.0.0')
    const folder = join(cwd, '.llm-orc', 'tools', 'calculator', '1.0.0')
    // Another tool than the shipped one of this version, which would be found otherwise.
    writeFileSync(join(folder, 'notes.txt'), 'ours')
    const ours = await pin(app, 'calculator')
    const given = { operation: 'add', a: 1, b: 2 }
    const runs = [await startResting(app, ours, given), await startResting(app, ours, given)]
    const program = join(folder, 'calculate.mjs')
    writeFileSync(program, `${readFileSync(program, 'utf8')} `)
    expect(outputOf(await answer(app, runs[0]?.run ?? ''))).toMatchObject({ status: 'failed', code: 'tool_changed' })
    rmSync(folder, { recursive: true })
    expect(outputOf(await answer(app, runs[1]?.run ?? ''))).toMatchObject({ status: 'failed', code: 'tool_changed' })
  })

  test('of two tools of one version the one with the right digest is taken, and a missing version is missing', async () => {
    const { app, cwd, install } = await open()
    const shop = createToolShop(app)
    const library = await pin(app, 'calculator@1.0.0')
    install('1.0.0')
    writeFileSync(join(cwd, '.llm-orc', 'tools', 'calculator', '1.0.0', 'notes.txt'), 'ours')
    const ours = await pin(app, 'calculator@1.0.0')
    expect(ours.digest).not.toBe(library.digest)
    const request = (tool: PinnedTool): ToolRequest => ({
      tool: tool.name,
      version: tool.version,
      source: tool.source,
      digest: tool.digest,
      arguments: {},
      call: 'c',
      permissions: {},
    })
    for (const tool of [ours, library]) expect((await shop.find(request(tool)))?.digest).toBe(tool.digest)
    expect(await shop.find({ ...request(ours), version: '1.0.1' })).toBeUndefined()
    expect(await shop.find({ ...request(ours), source: 'builtin' })).toBeUndefined()
  })
})

describe('references', () => {
  test.each([
    ['calculator', '2.0.0'],
    ['calculator@latest', '2.0.0'],
    ['calculator@^1', '1.1.0'],
    ['calculator@^1.0', '1.1.0'],
    ['calculator@~1.0', '1.0.0'],
    ['calculator@1.0.0', '1.0.0'],
    ['calculator@stable', '1.1.0'],
    ['read_file@^1', '1.0.0'],
  ])('%s is %s', async (reference, version) => {
    const { app } = await open()
    expect((await pin(app, reference)).version).toBe(version)
  })

  test('the nearest place that has a fitting version wins, not the highest number', async () => {
    const { app, install } = await open()
    install('1.0.0')
    expect((await pin(app, 'calculator')).version).toBe('1.0.0')
    expect((await pin(app, 'calculator@^1')).version).toBe('1.0.0')
    expect((await pin(app, 'calculator@^2')).version).toBe('2.0.0')
  })

  test('what is not there, or there twice, is said with what there is', async () => {
    const { app } = await open()
    const { problems } = await resolveTools(app, ['calculator@^3', 'nothing', '../x', 'script:no.py', 'mcp:files:*'])
    expect(problems.map(({ code }) => code)).toEqual(Array(5).fill('tool_missing'))
    expect(problems[0]?.hint).toContain('calculator@2.0.0')
    const twice = await resolveTools(app, ['calculator@1.0.0', 'calculator@2.0.0', 'calculator@^2'])
    expect(twice.problems.map(({ code }) => code)).toEqual(['tool_ambiguous', 'tool_ambiguous'])
    expect(twice.tools).toHaveLength(1)
  })

  test('tools of servers come from whoever knows the servers', async () => {
    const { app } = await open()
    const tool = { ...(await pin(app, 'read_file')), name: 'files_read', source: 'mcp:files' }
    const mcp = {
      resolve: async () => ({ tools: [tool], problems: [] }),
      find: async () => undefined,
    }
    expect((await resolveTools(app, ['mcp:files:*', 'read_file'], { mcp })).tools.map(({ name }) => name)).toEqual([
      'files_read',
      'read_file',
    ])
  })

  test('nobody can take the name of a tool that is built in', async () => {
    const definition = {
      name: 'read_file',
      version: '9.0.0',
      description: 'x',
      input_schema: {},
      implementation: 'a.sh',
    }
    const { app } = await open({
      'tools/read_file/tool.json': JSON.stringify(definition),
      'tools/read_file/a.sh': '',
      'scripts/read_file.sh': '# Safety: pure\ncat',
    })
    expect((await pin(app, 'read_file')).source).toBe('builtin')
    expect((await readCatalog(app)).problems.map(({ message }) => message)).toEqual([
      'the name read_file belongs to a tool that is built in',
    ])
    expect((await pin(app, 'script:read_file.sh')).name).toBe('script_read_file')
  })

  test('a script is a tool, found again by its digest', async () => {
    const { app, cwd } = await open({ 'scripts/shout.sh': '# Safety: pure\n# Says it louder.\ntr a-z A-Z' })
    const tool = await pin(app, 'script:shout.sh')
    expect(tool).toMatchObject({ name: 'shout', safety: 'pure', source: 'script:shout.sh', version: '0.0.0' })
    const request = { tool: tool.name, version: tool.version, source: tool.source, digest: tool.digest } as ToolRequest
    const shop = createToolShop(app)
    expect((await shop.find(request))?.digest).toBe(tool.digest)
    writeFileSync(join(cwd, '.llm-orc', 'scripts', 'shout.sh'), '# Safety: pure\ncat')
    expect((await shop.find(request))?.digest).not.toBe(tool.digest)
    const result = await testTool.run({ name: 'script:shout.sh', arguments: { text: 'hi' } }, { app, signal })
    expect(result.output ?? result).toMatchObject({ parameters: { text: 'hi' } })
  })
})

describe('operations', () => {
  test('list, show and test', async () => {
    const { app } = await open()
    const { tools } = await listToolsOperation.run({}, { app, signal })
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['read_file', 'ask_user', 'calculator']))
    expect(await showTool.run({ name: 'calculator@^1' }, { app, signal })).toMatchObject({
      version: '1.1.0',
      aliases: ['stable'],
      versions: ['1.0.0', '1.1.0', '2.0.0'],
      migrations: ['1.0.0 -> 1.1.0', '1.1.0 -> 2.0.0'],
    })
    const args = { operation: 'multiply', numbers: [6, 7] }
    expect(await testTool.run({ name: 'calculator', arguments: args }, { app, signal })).toMatchObject({
      status: 'succeeded',
      tool: 'calculator@2.0.0',
      output: { result: 42 },
    })
    expect(await testTool.run({ name: 'calculator', arguments: { a: 1 } }, { app, signal })).toMatchObject({
      status: 'failed',
      code: 'bad_input',
    })
    const broken = { operation: 'divide', numbers: [1, 0] }
    expect(await testTool.run({ name: 'calculator', arguments: broken }, { app, signal })).toMatchObject({
      status: 'failed',
      code: 'tool_failed',
    })
  })

  test('test asks policy: what it does not allow rests or is denied, and nothing has happened', async () => {
    const { app, cwd } = await open({
      'policy.yaml': 'rules: [{ tool: edit_file, decision: deny, reason: no edits }]\n',
    })
    const call = { name: 'write_file', arguments: { path: 'a.txt', content: 'x' } }
    expect(await testTool.run(call, { app, signal })).toMatchObject({ status: 'paused' })
    const edit = { name: 'edit_file', arguments: { path: 'a.txt', old_text: 'x', new_text: 'y' } }
    expect(await testTool.run(edit, { app, signal })).toMatchObject({ status: 'failed', code: 'approval_denied' })
    expect(existsSync(join(cwd, 'a.txt'))).toBe(false)
  })

  test('migrate goes forth, and back with --rollback', async () => {
    const { app } = await open()
    const migrate = (name: string, to: string, args: JsonObject, rollback = false) =>
      migrateTool.run({ name, to, arguments: args as Record<string, never>, rollback }, { app, signal })
    const given = { operation: 'add', a: 1, b: 2 }
    const forth = await migrate('calculator@1.0.0', '2.0.0', given)
    expect(forth).toEqual({
      success: true,
      data: { operation: 'add', numbers: [1, 2] },
      path: ['1.0.0', '1.1.0', '2.0.0'],
    })
    expect(await migrate('calculator@2.0.0', '1.0.0', forth.data, true)).toMatchObject({ success: true, data: given })
    const power = { operation: 'power', numbers: [2, 3] }
    expect(await migrate('calculator@2.0.0', '1.1.0', power, true)).toMatchObject({ success: true })
    // The first link back works and the second does not: what was given is given back.
    expect(await migrate('calculator@2.0.0', '1.0.0', power, true)).toMatchObject({
      success: false,
      data: power,
      rolled_back: true,
      error: { code: 'migration_failed', detail: '1.0.0 knows no power' },
    })
    expect(await migrate('calculator@2.0.0', '1.0.0', power)).toMatchObject({ error: { code: 'migration_missing' } })
    await expect(migrate('calculator@1.0.0', '2.0.0', { a: 'x' })).rejects.toThrow(OrcError)
    await expect(migrate('calculator@^1', '2.0.0', given)).rejects.toThrow('exact version')
    await expect(migrate('calculator@1.0.0', '9.0.0', given)).rejects.toThrow('there is no tool calculator 9.0.0')
  })

  test.each(['typescript', 'javascript', 'python', 'shell'] as const)('new in %s works at once', async (language) => {
    const { app, cwd } = await open()
    const made = await newTool.run({ name: 'count', version: '1.0.0', language }, { app, signal })
    expect(made.folder).toBe(join(cwd, '.llm-orc', 'tools', 'count', '1.0.0'))
    expect(await testTool.run({ name: 'count', arguments: { text: 'häuser' } }, { app, signal })).toMatchObject({
      output: { characters: 6 },
    })
    await expect(newTool.run({ name: 'count', version: '1.0.0', language }, { app, signal })).rejects.toThrow(
      'there already',
    )
  })

  test('B08 a new tool is made nowhere but in the folder of tools', async () => {
    const { app } = await open()
    for (const name of ['../x', 'a/b', '/tmp/x', '.', '..', 'a\0', 'bash', 'mcp:x', ''])
      await expect(newTool.run({ name, version: '1.0.0', language: 'python' }, { app, signal }), name).rejects.toThrow(
        OrcError,
      )
    for (const version of ['..', '1', '../../x', '1.0.0/..'])
      await expect(newTool.run({ name: 'x', version, language: 'python' }, { app, signal }), version).rejects.toThrow(
        OrcError,
      )
  })
})
