/** What needs a yes, as a user meets it: rules in policy.yaml, words on the command line, approvals in another process and at the terminal. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Ask } from '../../src/app/asks.ts'
import type { Person } from '../../src/app/person.ts'
import { CTRL_C, hasTerminal, sitDown } from '../fixtures/seat.ts'
import { runInside } from '../inside.ts'
import { runProgram } from '../processes.ts'
import { call, codesOf, eventTypes, seat, writeUserPolicy } from './calls.ts'
import { makeProject, type Project } from './project.ts'

const SHIP = `name: ship
description: builds, then ships to two places
agents:
  - name: build
    script: "echo built"
  - name: north
    script: ship.sh
    parameters: { to: north }
    depends_on: [build]
  - name: south
    script: ship.sh
    parameters: { to: south }
    depends_on: [build]
`
const SCRIPT = '#!/bin/sh\necho "$AGENT_PARAMETERS" >> shipped.txt\necho gone\n'
const POLICY = `rules:
  - tool: script(ship.sh)
    decision: ask
    reason: it ships to customers
`

function makeShop(more: Record<string, string> = {}): Project {
  const project = makeProject({
    'ensembles/ship.yaml': SHIP,
    'scripts/ship.sh': SCRIPT,
    'policy.yaml': POLICY,
    ...more,
  })
  chmodSync(join(project.cwd, '.llm-orc', 'scripts', 'ship.sh'), 0o755)
  return project
}

const shipped = ({ cwd }: Project): string[] => {
  const file = join(cwd, 'shipped.txt')
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
}

const run = (project: Project, more: Record<string, unknown> = {}, person?: Person) =>
  call(project, 'run', { target: 'ship', input: 'x', ...more }, person)

describe('a script that a rule asks about', () => {
  test('rests with exit code 4, says what would be done, and runs once when it is given', async () => {
    const project = makeShop()
    const rested = await run(project)
    expect(rested).toMatchObject({ status: 'paused', code: 4, asks: ['north/script', 'south/script'] })
    expect(rested.approvals).toMatchObject([
      { key: 'north/script', grant: { tool: 'script(ship.sh)', because: 'it ships to customers' } },
      { key: 'south/script' },
    ])
    expect(shipped(project)).toEqual([])
    const shown = (await call(project, 'runs show', { run: 'latest' })) as unknown as { asks: readonly Ask[] }
    expect(shown.asks.map(({ what, key, approval }) => [what, key, approval?.status])).toEqual([
      ['approval', 'north/script', 'asked'],
      ['approval', 'south/script', 'asked'],
    ])
    expect(await call(project, 'approvals give', { run: 'latest', ask: 'north' })).toMatchObject({ code: 4 })
    expect(shipped(project)).toEqual(['{"to":"north"}'])
    const done = await call(project, 'approvals deny', { run: 'latest', ask: 'south', reason: 'not today' })
    expect(done).toMatchObject({ status: 'partial', code: 1 })
    expect(shipped(project)).toEqual(['{"to":"north"}'])
    expect(done.report.errors).toMatchObject([{ agent: 'south', code: 'approval_denied', message: 'not today' }])
    // Said once, it is said.
    expect(await codesOf(call(project, 'approvals give', { run: 'latest', ask: 'south' }))).toEqual(['not_found'])
  })

  test('for the run: one yes covers the same script with other parameters, not another script', async () => {
    const project = makeShop({
      'ensembles/ship.yaml': `${SHIP}  - name: other\n    script: other.sh\n    depends_on: [north]\n`,
      'scripts/other.sh': '#!/bin/sh\necho other >> shipped.txt\n',
      'policy.yaml': 'rules:\n  - { tool: script(*.sh), decision: ask }\n',
    })
    await run(project)
    const given = await call(project, 'approvals give', { run: 'latest', ask: 'north', scope: 'run' })
    // South waited for the same; the other script is another thing.
    expect(given).toMatchObject({ code: 4, asks: ['other/script'] })
    expect(shipped(project).toSorted()).toEqual(['{"to":"north"}', '{"to":"south"}'])
  })

  test('--allow belongs to the run: it survives a rest and another process, and no other run has it', async () => {
    const project = makeShop({ 'policy.yaml': `${POLICY}  - { tool: "script", decision: allow }\n` })
    const allowed = await run(project, { allow: ['script(ship.sh)'] })
    expect(allowed).toMatchObject({ status: 'succeeded', code: 0 })
    expect(await run(project)).toMatchObject({ code: 4 })
    // Taken up with a word more: what waits and fits it is given, and it is kept.
    expect(await call(project, 'runs resume', { run: 'latest', allow: ['script(*ip.sh)'] })).toMatchObject({ code: 0 })
    expect(shipped(project)).toHaveLength(4)
  })

  test('permits are pinned: a process that takes the run up later goes by them', async () => {
    const project = makeShop({
      'ensembles/ship.yaml': `${SHIP}  - name: last\n    script: last.sh\n    depends_on: [north, south]\n`,
      'scripts/last.sh': '#!/bin/sh\necho last >> shipped.txt\n',
      'policy.yaml': 'rules:\n  - { tool: script(*.sh), decision: ask }\n',
    })
    expect(await run(project, { allow: ['script(last.sh)'], deny: ['model'] })).toMatchObject({ code: 4 })
    await call(project, 'approvals give', { run: 'latest', ask: 'north' })
    expect(await call(project, 'approvals give', { run: 'latest', ask: 'south' })).toMatchObject({ code: 0 })
    expect(shipped(project)).toEqual(['{"to":"north"}', '{"to":"south"}', 'last'])
  })

  test('a fork has what its parent was forbidden, not what it was allowed', async () => {
    const project = makeShop()
    const parent = await run(project, { allow: ['script(ship.sh)'], deny: ['model'] })
    const events = await eventTypes(project, parent.run)
    const at = events.indexOf('step-finished') + 1
    expect(await call(project, 'runs fork', { run: parent.run, at })).toMatchObject({ code: 4 })
    const again = await call(project, 'runs fork', { run: parent.run, at, allow: ['script(ship.sh)'] })
    expect(again).toMatchObject({ code: 0 })
  })

  test('what policy refuses ends the run with exit code 3, and nothing has run', async () => {
    const project = makeShop({ 'policy.yaml': 'rules:\n  - { tool: "*", decision: deny, reason: closed }\n' })
    const refused = await run(project)
    expect(refused).toMatchObject({ status: 'failed', code: 3 })
    expect(refused.report.errors[0]).toMatchObject({
      code: 'approval_denied',
      message: expect.stringMatching(/^closed \(.*policy\.yaml:2\)$/),
    })
    expect(shipped(project)).toEqual([])
    expect(await run(project, { allow: ['*'] })).toMatchObject({ code: 3 })
  })

  test('S30 a policy that cannot be read, of any level, lets nothing begin', async () => {
    const broken = [
      'rules: [',
      'rules:\n  - { tool: "((", decision: allow }\n',
      'rules:\n  - { tool: bash, decison: deny }\n',
      'roules: []\n',
      '- deny\n',
    ]
    for (const text of broken) {
      const project = makeShop()
      writeUserPolicy(project, text)
      const codes = new Set(await codesOf(run(project, { allow: ['*'] })))
      expect([text, [...codes]]).toEqual([text, ['config_invalid']])
      const listed = (await call(project, 'runs list', {})) as unknown as { runs: readonly unknown[] }
      expect(listed.runs).toEqual([])
    }
    const folder = makeShop()
    writeUserPolicy(folder, '')
    const file = join(folder.env.XDG_CONFIG_HOME ?? '', 'llm-orchestrator', 'policy.yaml')
    writeFileSync(join(folder.cwd, '.llm-orc', 'policy.yaml'), new Uint8Array([0xff, 0xfe, 0x00]))
    expect(await codesOf(run(folder))).toHaveLength(1)
    expect(existsSync(file)).toBe(true)
    expect(shipped(folder)).toEqual([])
  })

  test('S04 a policy that changes while a run waits takes the question back; an approval is for what was shown', async () => {
    const project = makeShop()
    await run(project)
    writeUserPolicy(project, 'rules:\n  - { tool: bash, decision: deny }\n')
    const later = await call(project, 'approvals give', { run: 'latest', ask: 'north' })
    expect(later.report.errors[0]).toMatchObject({
      code: 'approval_denied',
      message: expect.stringContaining('policy has changed'),
    })
    expect(later.warnings).toMatchObject([
      { code: 'approval_denied', message: expect.stringMatching(/^the yes to north\/script was not used: policy has/) },
    ])
    expect(shipped(project)).toEqual([])
  })

  test('S04 a wall that settings weaken while a run waits takes the question back, with that as the reason', async () => {
    const settings = (tier: string, project: Project) => {
      const file = join(project.env['XDG_CONFIG_HOME'] ?? '', 'llm-orchestrator', 'config.yaml')
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, `sandbox: { tier: ${tier} }\n`)
    }
    const project = makeShop()
    settings('bwrap', project)
    const waiting = await run(project, { deny: ['script(echo*)'] })
    expect(waiting.approvals?.[0]?.grant).toMatchObject({ sandbox: 'bwrap' })
    settings('process', project)
    const done = await call(project, 'approvals give', { run: 'latest', ask: 'north' })
    const message = 'sandbox has changed since it was shown for approval'
    expect(done.report.errors.map((error) => [error.agent, error.message])).toEqual(
      expect.arrayContaining([
        ['north', message],
        ['south', message],
      ]),
    )
    expect(shipped(project)).toEqual([])
  })

  test('a question that nobody answered in time is listed as expired, and can be neither given nor denied', async () => {
    const project = makeShop()
    writeUserPolicy(project, `${POLICY}    expires_seconds: 0.05\n`)
    await run(project)
    const listed = async () =>
      ((await call(project, 'approvals list', {})) as unknown as { approvals: readonly { status: string }[] }).approvals
    await expect.poll(async () => (await listed()).map(({ status }) => status)).toEqual(['expired', 'expired'])
    expect(await codesOf(call(project, 'approvals give', { run: 'latest', ask: 'north' }))).toEqual(['not_found'])
    expect(await call(project, 'runs resume', { run: 'latest' })).toMatchObject({ code: 3 })
    expect(await listed()).toEqual([])
    expect(shipped(project)).toEqual([])
  })

  test('a run can be cancelled under a policy that cannot be read', async () => {
    const project = makeShop()
    await run(project)
    writeUserPolicy(project, 'rules: [')
    expect(await codesOf(call(project, 'runs resume', { run: 'latest' }))).not.toEqual([])
    expect(await call(project, 'runs cancel', { run: 'latest' })).toMatchObject({ status: 'cancelled' })
    expect(shipped(project)).toEqual([])
  })

  test('S04 a script that changes after the approval is not run', async () => {
    const project = makeShop()
    await run(project)
    writeFileSync(join(project.cwd, '.llm-orc', 'scripts', 'ship.sh'), '#!/bin/sh\necho evil >> shipped.txt\n')
    expect(await codesOf(call(project, 'approvals give', { run: 'latest', ask: 'north' }))).toEqual([
      'definition_changed',
    ])
    const forced = await call(project, 'approvals give', { run: 'latest', ask: 'north', accept_changed: true })
    expect(forced.report.errors).toMatchObject([{ agent: 'north', code: 'definition_changed' }])
    expect(shipped(project)).toEqual([])
  })

  test('S04 cross-workspace: a run is not taken up under the rules and in the folder of another project', async () => {
    const project = makeShop()
    const { run: id } = await run(project)
    const other = { ...makeShop({ 'policy.yaml': 'rules: []\n' }), env: project.env }
    for (const name of ['approvals give', 'approvals deny'])
      expect(await codesOf(call(other, name, { run: id, ask: 'north' }))).toEqual(['project_differs'])
    expect(await codesOf(call(other, 'runs resume', { run: id, allow: ['*'] }))).toEqual(['project_differs'])
    const listed = (await call(other, 'approvals list', {})) as unknown as { approvals: readonly unknown[] }
    expect(listed.approvals).toEqual([])
    expect([shipped(project), shipped(other)]).toEqual([[], []])
    expect(await call(other, 'runs cancel', { run: id })).toMatchObject({ status: 'cancelled' })
  })

  test('S04 cross-run: a yes in one run is none in the next, whatever is the same', async () => {
    const project = makeShop()
    await run(project)
    await call(project, 'approvals give', { run: 'latest', ask: 'north', scope: 'run' })
    expect(await run(project)).toMatchObject({ code: 4, asks: ['north/script', 'south/script'] })
    expect(shipped(project)).toHaveLength(2)
  })
})

describe('a person who is there', () => {
  test('is asked for each, all answers go at once, and what was left for later is not lost', async () => {
    const project = makeShop()
    const { person, rounds } = seat(({ key }) => (key.startsWith('north') ? { say: 'yes', scope: 'call' } : undefined))
    expect(await run(project, {}, person)).toMatchObject({ code: 4, asks: ['south/script'] })
    expect(rounds.map((asks) => asks.map(({ key }) => key))).toEqual([
      ['north/script', 'south/script'],
      ['south/script'],
    ])
    const both = seat(({ key }) =>
      key.startsWith('north') ? { say: 'no', reason: 'too cold' } : { say: 'yes', scope: 'call' },
    )
    const done = await run(project, {}, both.person)
    expect(done).toMatchObject({ status: 'partial' })
    expect(done.report.errors).toMatchObject([{ agent: 'north', message: 'too cold' }])
    expect(both.rounds).toHaveLength(1)
  })

  test('answers questions as well', async () => {
    const project = makeShop({
      'config.yaml':
        'workflows:\n  careful:\n    description: asks first\n    steps:\n      - name: look\n        tool: human_gate\n        prompt: Go on?\n',
    })
    const asks: Ask[] = []
    const { person } = seat((ask) => {
      asks.push(ask)
      return { say: 'answer', text: 'yes' }
    })
    const planned = await call(
      project,
      'run',
      {
        plan: 'Compare tea and coffee',
        planner_model: 'embedded/extractive',
        model: ['embedded/extractive'],
        approve: true,
      },
      person,
    )
    expect(asks).toMatchObject([{ what: 'question', options: ['yes', 'no'] }])
    expect(planned).toMatchObject({ status: 'succeeded' })
  })
})

test('words to a run reach its journal once, and only steps that are under way can be named', async () => {
  const project = makeShop()
  await run(project)
  const steered = await call(project, 'runs steer', { run: 'latest', text: 'hurry', step: 'north' })
  expect(steered).toMatchObject({ code: 4 })
  const types = await eventTypes(project, steered.run)
  expect(types.filter((type) => type === 'message-sent')).toHaveLength(1)
  expect(await codesOf(call(project, 'runs steer', { run: 'latest', text: 'x', step: 'build' }))).toEqual(['not_found'])
  expect(await codesOf(call(project, 'runs steer', { run: 'latest', text: 'x', step: 'nobody' }))).toEqual([
    'not_found',
  ])
  expect(shipped(project)).toEqual([])
})

describe.skipIf(!hasTerminal)('at a terminal', () => {
  test('each approval is shown and asked; what was typed before it was shown is no answer', async () => {
    const project = makeShop()
    const person = sitDown(['run', 'ship', 'x'], project)
    person.type('y\ry\r')
    await person.see(
      /1 of 2[\s\S]*script\(ship\.sh\) wants to run[\s\S]*because +it ships to customers[\s\S]*Allow it\? $/,
    )
    person.type('perhaps\r')
    await person.see(/Allow it\? perhaps[\s\S]*Allow it\? $/)
    expect(shipped(project)).toEqual([])
    person.type('y\r')
    await person.see(/2 of 2[\s\S]*Allow it\? $/)
    person.type('n\r')
    await person.see(/Why .*\? $/)
    person.type('not the south\r')
    expect(await person.ended).toBe(1)
    expect(shipped(project)).toEqual(['{"to":"north"}'])
    expect(person.screen.text).toContain('not the south')
    expect(person.screen.hasCursor).toBe(true)
  })

  test('later and Ctrl-C leave it resting, exit code 4; a pipe is never asked', async () => {
    const project = makeShop()
    const first = sitDown(['run', 'ship', 'x'], project)
    await first.see(/1 of 2[\s\S]*Allow it\? $/)
    first.type('l\r')
    await first.see(/2 of 2[\s\S]*Allow it\? $/)
    first.type(CTRL_C)
    expect(await first.ended).toBe(4)
    expect(first.screen.text).toMatch(/Nothing of this was sent[\s\S]*llm-orc approvals give/)
    const piped = await runProgram(['runs', 'resume', 'latest'], project)
    expect(piped).toMatchObject({ code: 4 })
    expect(shipped(project)).toEqual([])
  })
})

test('policy check says what would happen to the tool that is there, not to any of that name', async () => {
  const definition = { version: '1.0.0', description: 'd', input_schema: { type: 'object' }, implementation: 'run.sh' }
  const tool = (name: string, more: object) =>
    JSON.stringify({ ...definition, name, safety: 'pure', permissions: { read: ['**'] }, ...more })
  const { cwd, env } = makeProject({
    'tools/count/tool.json': tool('count', {}),
    'tools/count/run.sh': 'echo 1',
    'tools/peek/tool.json': tool('peek', { permissions: { read: ['**'], environment: ['A_KEY'] } }),
    'tools/peek/run.sh': 'echo 1',
  })
  const check = async (...words: string[]) =>
    JSON.parse((await runInside(['policy', 'check', ...words, '--output', 'json'], { cwd, env })).stdout).decision
  expect(await check('read_file', '{"path": "a"}')).toBe('allow')
  expect(await check('count')).toBe('allow')
  expect(await check('count', '--safety', 'unsafe')).toBe('ask')
  expect(await check('peek')).toBe('ask')
  expect(await check('nobody-knows')).toBe('ask')
})
