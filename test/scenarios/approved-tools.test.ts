/** An agent with tools that change files, and the person who allows it or not. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { App } from '../../src/app/app.ts'
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
    const app = { paths: { project: project.cwd, cwd: project.cwd } } as unknown as App
    for (const path of ['../x.md', '/etc/hostname', '.env', '.llm-orc/policy.yaml', ''])
      expect(await readChange(app, { tool: 'write_file', source: 'builtin', arguments: { path, content: 'x' } })).toBe(
        undefined,
      )
    expect(
      await readChange(app, { tool: 'write_file', source: 'mcp:x', arguments: { path: 'notes.md', content: 'x' } }),
    ).toBe(undefined)
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
