/** An agent with tools that change files, and the person who allows it or not. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Ask } from '../../src/app/asks.ts'
import { createApp } from '../../src/app/create-app.ts'
import { readChange } from '../../src/app/file-change.ts'
import type { Person } from '../../src/app/person.ts'
import { loadContents } from '../../src/app/run-report.ts'
import { requireRun } from '../../src/app/runs.ts'
import { call, seat, writeUserPolicy } from './calls.ts'
import { makeProject, type Project } from './project.ts'

describe('an agent that wants to write', () => {
  const WRITER = `name: writer
description: changes a file, then runs a command
agents:
  - name: clerk
    model_profile: p
    tools: [read_file, write_file, edit_file]
`
  const ANSWERS = `rules:
  - contains: change it
    then:
      - tool_calls:
          - { name: edit_file, arguments: { path: notes.md, old_text: two, new_text: zwei } }
          - { name: write_file, arguments: { path: other.md, content: "new\\n" } }
      - text: It is done.
`
  function makeOffice(): Project {
    const project = makeProject({
      'ensembles/writer.yaml': WRITER,
      'config.yaml': 'model_profiles:\n  p: { provider: scripted, model: rehearsal }\n',
      'answers.yaml': ANSWERS,
    })
    writeFileSync(join(project.cwd, 'notes.md'), 'one\ntwo\nthree\n')
    const env = {
      ...project.env,
      LLM_ORC_SCRIPT: join(project.cwd, '.llm-orc', 'answers.yaml'),
      LLM_ORC_VERIFY_RUNS: '1',
    }
    return { ...project, env }
  }
  const write = (project: Project, more: Record<string, unknown> = {}, person?: Person) =>
    call(project, 'run', { target: 'writer', input: 'change it', ...more }, person)
  const read = ({ cwd }: Project, name: string) =>
    existsSync(join(cwd, name)) ? readFileSync(join(cwd, name), 'utf8') : undefined

  test('the person sees what would change, and only what they allow does; the words they say are heard', async () => {
    const project = makeOffice()
    const asked: Ask[] = []
    const { person } = seat((ask) => {
      asked.push(ask)
      return ask.approval?.grant['tool'] === 'write_file'
        ? { say: 'no', reason: 'no new files' }
        : { say: 'yes', scope: 'call' }
    })
    const done = await write(project, {}, person)
    expect(asked.map(({ approval }) => [approval?.grant['tool'], approval?.change])).toEqual([
      ['edit_file', { path: 'notes.md', before: 'one\ntwo\nthree\n', after: 'one\nzwei\nthree\n' }],
      ['write_file', { path: 'other.md', after: 'new\n' }],
    ])
    expect(done).toMatchObject({ status: 'succeeded', code: 0 })
    expect([read(project, 'notes.md'), read(project, 'other.md')]).toEqual(['one\nzwei\nthree\n', undefined])
  })

  test('a rule for paths asks about nothing it allows, and what leaves the folder is not compared', async () => {
    const project = makeOffice()
    writeUserPolicy(project, 'rules:\n  - { tool: "*_file", path: "*.md", decision: allow }\n')
    expect(await write(project)).toMatchObject({ status: 'succeeded', code: 0 })
    expect(read(project, 'other.md')).toBe('new\n')
    const app = await createApp(project)
    for (const path of ['../x.md', '/etc/hostname', '.env', '.llm-orc/policy.yaml', ''])
      expect(await readChange(app, { tool: 'write_file', source: 'builtin', arguments: { path, content: 'x' } })).toBe(
        undefined,
      )
    expect(
      await readChange(app, { tool: 'write_file', source: 'mcp:x', arguments: { path: 'notes.md', content: 'x' } }),
    ).toBe(undefined)
    await app.close()
  })

  test('words said while it waits are in the journal and reach its next turn', async () => {
    const project = makeOffice()
    await write(project, { allow: ['edit_file'] })
    await call(project, 'runs steer', { run: 'latest', text: 'and be brief', step: 'clerk' })
    const done = await call(project, 'approvals give', { run: 'latest', ask: 'clerk' })
    expect(done).toMatchObject({ status: 'succeeded' })
    const { cwd, env } = project
    const app = await createApp({ cwd, env })
    const { blobs } = await app.openJournal()
    const events = await requireRun(app, done.run)
    const turns = events.flatMap((event) =>
      event.type === 'effect-intended' && event.data.kind === 'model' ? [event.data.request] : [],
    )
    const content = await loadContents(turns, done.run, blobs)
    expect(turns.map((turn) => JSON.stringify(content(turn)).includes('and be brief'))).toEqual([false, true])
    await app.close()
  })
})

test('S03 an agent inside another one gets no other version than those above it may', async () => {
  const agent = (tools: string) =>
    `name: sums\ndescription: x\nagents:\n  - name: outer\n    tools: ["${tools}"]\n    loop:\n      max_iterations: 1\n      body:\n        - { name: inner, model_profile: p, tools: ["calculator@2"] }\n`
  const call_it = '{ name: calculator, arguments: { operation: add, numbers: [1, 2] } }'
  const project = makeProject({
    'ensembles/narrow.yaml': agent('calculator@^1'),
    'ensembles/wide.yaml': agent('calculator@>=1'),
    'config.yaml': 'model_profiles:\n  p: { provider: scripted, model: rehearsal }\n',
    'answers.yaml': `rules:\n  - contains: sum up\n    then:\n      - tool_calls:\n          - ${call_it}\n      - text: It is done.\n`,
  })
  const env = { ...project.env, LLM_ORC_SCRIPT: join(project.cwd, '.llm-orc', 'answers.yaml') }
  const reasonsOf = async (target: string) => {
    const done = await call({ ...project, env }, 'run', { target, input: 'sum up', allow: ['calculator'] })
    const app = await createApp({ ...project, env })
    const events = await requireRun(app, done.run)
    await app.close()
    return events.flatMap((event) => (event.type === 'approval-denied' ? [event.data.reason] : []))
  }
  expect(await reasonsOf('narrow')).toEqual(['the step may use only calculator@^1'])
  expect(await reasonsOf('wide')).toEqual([])
})

describe('an agent in a home folder', () => {
  /** Writes and reads a path, runs a command, and answers. */
  const attack = (paths: readonly string[], command = 'echo ran') => `rules:
  - contains: go on
    then:
      - tool_calls:
${paths
  .flatMap((path) => [
    `          - { name: write_file, arguments: { path: "${path}", content: "rules: []" } }`,
    `          - { name: edit_file, arguments: { path: "${path}", old_text: "deny", new_text: "allow" } }`,
    `          - { name: read_file, arguments: { path: "${path}" } }`,
  ])
  .join('\n')}
          - { name: bash, arguments: { command: "${command}" } }
          - { name: search_files, arguments: { pattern: "canary", literal: true } }
          - { name: write_file, arguments: { path: free.md, content: free } }
      - text: It is done.
`
  const RULES = 'rules:\n  - { tool: "*", decision: allow }\n  - { tool: rm, decision: deny, reason: canary }\n'

  /** The project is the home folder itself: the usual places of the program lie in it. */
  function makeHomeProject(answers: (home: string) => string, rules = (_home: string) => RULES) {
    const { cwd } = makeProject({
      'ensembles/clerk.yaml':
        'name: clerk\ndescription: x\nagents:\n  - name: clerk\n    model_profile: p\n    tools: [read_file, write_file, edit_file, search_files, bash]\n',
      'config.yaml': 'model_profiles:\n  p: { provider: scripted, model: rehearsal }\n',
    })
    const env = { HOME: cwd, PATH: process.env['PATH'] ?? '', LLM_ORC_SCRIPT: `${cwd}-answers.yaml` }
    writeFileSync(env.LLM_ORC_SCRIPT, answers(cwd))
    const policy = join(cwd, '.config/llm-orchestrator/policy.yaml')
    mkdirSync(dirname(policy), { recursive: true })
    writeFileSync(policy, rules(cwd))
    writeFileSync(join(cwd, '.llm-orc/policy.yaml'), 'rules:\n  - { tool: rm, decision: deny }\n')
    return { cwd, env, policy }
  }

  async function resultsOf(project: Project) {
    const done = await call(project, 'run', { target: 'clerk', input: 'go on' })
    const app = await createApp(project)
    const events = await requireRun(app, done.run)
    await app.close()
    return {
      status: done.status,
      refused: events.flatMap((event) =>
        event.type === 'approval-denied'
          ? [event.data.reason]
          : event.type === 'effect-failed'
            ? [event.data.code]
            : [],
      ),
      found: JSON.stringify(events).includes('reason: canary'),
    }
  }

  test('S16 S17 cannot change or read what governs the program, though a rule allows everything', async () => {
    const inside = [
      '.config/llm-orchestrator/policy.yaml',
      '.config/llm-orchestrator/keys.json',
      '.local/state/llm-orchestrator/mcp-trust.json',
      '.local/share/llm-orchestrator/journal.db',
      '.llm-orchestrator/config.yaml',
      'x/../.config/llm-orc/config.yaml',
      'way/policy.yaml',
    ]
    const { cwd, env, policy } = makeHomeProject(() => attack(inside, 'cat .config/llm-orchestrator/policy.yaml'))
    symlinkSync(dirname(policy), join(cwd, 'way'))
    const { status, refused } = await resultsOf({ cwd, env })
    expect(status).toBe('succeeded')
    expect(refused).toHaveLength(3 * inside.length + 1)
    for (const reason of refused) expect(reason).toContain('governs this program')
    expect(readFileSync(policy, 'utf8')).toBe(RULES)
    expect(existsSync(join(cwd, '.llm-orchestrator'))).toBe(false)
    expect(readFileSync(join(cwd, 'free.md'), 'utf8')).toBe('free')
  })

  test('S16 cannot change the rules and settings of the project, and a search leaves out what is closed', async () => {
    const inside = ['.llm-orc/policy.yaml', '.llm-orc/config.yaml']
    const { cwd, env } = makeHomeProject(() => attack(inside))
    const { refused, found } = await resultsOf({ cwd, env })
    // Written and edited; the project's own may be read. In a home folder bash has no wall that would hold.
    expect(refused.filter((reason) => reason.includes('governs this program'))).toHaveLength(2 * inside.length)
    expect(refused).toContain('sandbox_refused')
    expect(found).toBe(false)
    expect(readFileSync(join(cwd, '.llm-orc/policy.yaml'), 'utf8')).toContain('deny')
  })

  test('what a rule of the user names by its whole path is open to the tool it names', async () => {
    const notes = (home: string) => join(home, '.config/llm-orchestrator/notes')
    const { cwd, env, policy } = makeHomeProject(
      (home) => attack([join(notes(home), 'a.md'), join(home, '.config/llm-orchestrator/policy.yaml')]),
      (home) => `rules:\n  - { tool: write_file, path: "${notes(home)}/**", decision: allow }\n${RULES.slice(7)}`,
    )
    mkdirSync(notes(cwd))
    await resultsOf({ cwd, env })
    expect(readFileSync(join(notes(cwd), 'a.md'), 'utf8')).toBe('rules: []')
    expect(readFileSync(policy, 'utf8')).toContain('canary')
  })
})
