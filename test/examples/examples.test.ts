/** Every example is run as its first lines say: the commands are read from there and given to a shell. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runInside } from '../inside.ts'
import { root, startProgram } from '../processes.ts'
import { openShell, type Said } from './shell.ts'

const examples = join(root, 'examples')
const copy = mkdtempSync(join(tmpdir(), 'llm-orc-examples-'))
cpSync(examples, copy, { recursive: true })
const shell = openShell()

interface Result {
  readonly status: string
  readonly report: { readonly agents: readonly Agent[] }
}

interface Agent {
  readonly name: string
  readonly status: string
  readonly attempts: number
  readonly output?: unknown
  readonly fallbacks: readonly { readonly to?: string; readonly because?: string }[]
}

/** The lines `#   COMMAND` at the top of an example; the first goes to its folder, as the shell here does by itself. */
function readCommands(file: string): string[] {
  const lines = readFileSync(join(examples, file), 'utf8').split('\n')
  const head = lines.slice(
    0,
    lines.findIndex((line) => !/^(#|\/\/)/.test(line)),
  )
  return head.flatMap((line) => /^(?:#|\/\/) {3}(\S.*)$/.exec(line)?.[1] ?? [])
}

/** What looks at a run or a definition without a word that a shell would read otherwise. */
const PLAIN = /^llm-orc ((?!run )[\w ./=,-]+)$/

/** Runs all commands of an example in order, each of which must succeed: in a shell, but for those that are plain. */
async function follow(name: string): Promise<Said[]> {
  const [first, ...commands] = readCommands(`${name}/${name}.yaml`)
  expect(first).toBe(`cd examples/${name}`)
  const said: Said[] = []
  for (const command of commands) {
    const cwd = join(copy, name)
    const plain = PLAIN.exec(command)?.[1]
    const done = await (plain ? runInside(plain.split(' '), { cwd, env: shell.env }) : shell.run(command, cwd))
    expect({ command, ...done }).toMatchObject({ code: 0 })
    said.push(done)
  }
  return said
}

test('every folder is known to this file', () => {
  const known = [
    'approvals',
    'budget',
    'careful',
    'chains',
    'code',
    'conditions',
    'dispatch',
    'fallback',
    'fan-out',
    'loop',
    'nested',
    'opinions',
    'pipeline',
    'plan',
    'routing',
    'self-check',
    'tools',
    'verified',
    'vote',
  ]
  expect(readdirSync(examples).sort()).toEqual(known)
})

test('pipeline: fields of one script reach the next with their types', async () => {
  const [run, show] = await follow('pipeline')
  expect(JSON.parse(run?.stdout ?? '')).toEqual({ success: true, total: 6100, label: '4 lines, first teapot' })
  expect(JSON.parse(show?.stdout ?? '')).toMatchObject({ report: { status: 'succeeded', totals: { succeeded: 3 } } })
})

test('tools: a built-in one, one in versions, one of the project; what each call was stands in the record', async () => {
  const [list, tested, migrated, run, show] = await follow('tools')
  expect(list?.stdout).toMatch(/calculator +1\.1\.0, stable/)
  expect(JSON.parse(tested?.stdout ?? '')).toEqual({ total: 72.59 })
  expect(JSON.parse(migrated?.stdout ?? '')).toEqual({ operation: 'multiply', numbers: [12.2, 5] })
  expect(run?.stdout.trim()).toBe('Five pots cost 72.59 with tax.')
  expect(show?.stdout.match(/tool +pure +1 +done/g)).toHaveLength(3)
})

test('approvals: what a rule asks about waits for a yes, what the command line forbids is refused', async () => {
  const [explained, asked, list, given, allowed, denied, board] = await follow('approvals')
  expect(explained?.stdout).toMatch(/^ask +script: everybody reads the board/)
  expect(asked?.stderr).toContain('llm-orc approvals give')
  expect(list?.stdout).toMatch(/publish\/script +script\(publish\.mjs\) +asked/)
  expect(JSON.parse(given?.stdout ?? '')).toMatchObject({ published: 'We open at nine.' })
  expect(JSON.parse(allowed?.stdout ?? '')).toMatchObject({ published: 'We open at ten.' })
  expect(denied?.stderr).toContain('approval_denied')
  expect(board?.stdout).toBe('We open at nine.\nWe open at ten.\n')
})

test('plan: a planner is told of its mistake, and the saved plan, the written one and the one made on the way do the same', async () => {
  const [planned, ...runs] = await follow('plan')
  expect(planned?.stdout).toContain('advice  synthesize  tea, coffee')
  const show = runs.pop()
  expect(runs.map(({ stdout }) => stdout.trim())).toEqual(Array(3).fill('Offer coffee until noon, and tea all day.'))
  const { report } = JSON.parse(show?.stdout ?? '') as Result
  const names = report.agents.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['plan/planner~1', 'plan/tea', 'plan/advice', 'plan/assemble']))
})

test('opinions: the verdict reads both answers; without the layer the model at hand answers', async () => {
  const [scripted, other] = await follow('opinions')
  expect(scripted?.stdout.trim()).toBe('Wait for the tram, then move.')
  expect(other?.stdout).toContain('[embedded:')
})

test('fallback: the third profile answers, and the record says why', async () => {
  const [run, show] = await follow('fallback')
  expect(run?.stdout.trim()).toBe('Hello from steady.')
  const { report } = JSON.parse(show?.stdout ?? '') as Result
  expect(report.agents[0]?.fallbacks).toMatchObject([
    { to: 'second', because: 'provider_unknown' },
    { to: 'third', because: 'provider_quota' },
  ])
})

test('routing: each agent gets the model that fits it, and it is said why', async () => {
  const [run, explained, imagined] = await follow('routing')
  expect(run?.stdout).toContain('Written by quick.')
  const { routes } = JSON.parse(explained?.stdout ?? '') as {
    readonly routes: readonly { readonly step: string; readonly model: string }[]
  }
  expect(routes.map(({ step, model }) => `${step}: ${model}`)).toEqual(['coder: thorough', 'reader: quick'])
  expect(JSON.parse(imagined?.stdout ?? '')).toMatchObject({ choices: 2, changed: 0 })
})

test('conditions: what is skipped and why, and a failure that has its own branch', async () => {
  const results = (await follow('conditions')).map(({ stdout }) => JSON.parse(stdout) as Result)
  expect(results.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'partial'])
  expect(results.map(({ report }) => report.agents.at(-1)?.output)).toEqual([
    { success: true, ran: ['pay'], skipped: ['look', 'sorry'] },
    { success: true, ran: ['look'], skipped: ['pay', 'sorry'] },
    { success: true, ran: ['sorry'], skipped: ['pay', 'look'] },
  ])
})

test('fan-out: items side by side, results in order', async () => {
  const [run, show] = await follow('fan-out')
  expect(JSON.parse(run?.stdout ?? '')).toEqual({
    success: true,
    words: ['kiwi', 'plum', 'fig', 'kiwi'],
    letters: 15,
    shouted: 4,
  })
  const { report } = JSON.parse(show?.stdout ?? '') as Result
  expect(report.agents.map(({ name }) => name)).toEqual(expect.arrayContaining(['measure', 'measure[0]', 'measure[3]']))
})

test('budget: the money ends inside the loop; the answer is made of what is finished, and names what is missing', async () => {
  const [, run = '', show = ''] = readCommands('budget/budget.yaml')
  const ended = await shell.run(run, join(copy, 'budget'))
  expect(ended.code).toBe(5)
  expect(ended.stdout).toBe(
    'The harbour smells of salt and diesel.\n\nNot finished:\n- polish#2/critic (budget_exhausted)\n',
  )
  expect(await shell.run(show, join(copy, 'budget'))).toMatchObject({ code: 0 })
})

test('loop: the second round has the criticism of the first, and the loop ends before its limit', async () => {
  const [run, show] = await follow('loop')
  expect(JSON.parse(run?.stdout ?? '')).toMatchObject({ good: true, text: 'The harbour smells of salt and diesel.' })
  const { report } = JSON.parse(show?.stdout ?? '') as Result
  const names = report.agents.map(({ name }) => name)
  expect(names).toContain('polish#2/writer')
  expect(names).not.toContain('polish#3/writer')
})

test('nested: another ensemble as an agent, once and once per item', async () => {
  const [run] = await follow('nested')
  expect(JSON.parse(run?.stdout ?? '')).toEqual({
    whole: 43,
    parts: [
      { success: true, words: 6, letters: 21 },
      { success: true, words: 7, letters: 22 },
    ],
  })
})

test('dispatch: the letter reaches its desk, and a desk that does not exist is a failure with its reason', async () => {
  const [invoice, parcel, hello] = await follow('dispatch')
  expect(invoice?.stdout).toContain('Billing has read')
  expect(parcel?.stdout).toContain('We are sorry about')
  const { status, report } = JSON.parse(hello?.stdout ?? '') as Result
  expect(status).toBe('failed')
  expect(report.agents.at(-1)).toMatchObject({ name: 'desk', code: 'ensemble_missing' })
})

test('verified: three answers that will not do, one that will, and the record of all four', async () => {
  const [run, show, unchecked] = await follow('verified')
  expect(run?.stdout.trim()).toBe('In May the harbour sees forty boats a day.')
  expect(show?.stdout).toContain('fell back from small to large (verification_failed)')
  const tries = [
    'try 1 (small) failed: min_words 5',
    'try 2 (small, repair 1) failed: judge (0.3 of 1',
    'try 3 (small, repair 2) failed: no-placeholder',
    'try 4 (large) passed',
  ]
  for (const line of tries) expect(show?.stdout).toContain(line)
  expect(unchecked?.stdout.trim()).toBe('Busy.')
})

test('vote: equal answers counted, models as voters, one of whom abstains', async () => {
  const [run, show, replay] = await follow('vote')
  expect(run?.stdout).toMatch(/^## 1\. counted\n\n(Ferry|\*\*ferry\.\*\*)\n\n## 2\. elected\n\nTram\n$/)
  expect(show?.stdout).toContain('majority: ferry 2, tram 1')
  expect(show?.stdout).toContain('voter-1 (voter-a) voted second (It runs at night.)')
  expect(show?.stdout).toContain('voter-3 (voter-c) abstained: provider_quota')
  expect(replay?.stdout).toMatch(/^equal\b/)
})

test('self-check: what it demands of itself holds, and a demand that does not is exit code 1', async () => {
  const [, validated] = await follow('self-check')
  expect(validated?.stdout).toMatch(/^passed\b/)
  const wrong = `sed 's/== 3"/== 4"/' self-check.yaml >wrong.yaml && llm-orc validate run ./wrong.yaml --output json`
  const failed = await shell.run(wrong, join(copy, 'self-check'))
  expect(failed.code).toBe(1)
  expect(JSON.parse(failed.stdout)).toMatchObject({ passed: false })
})

test('chains: each step works on the answer before it; a workflow rests until a person has answered its gate', async () => {
  const [first, ...commands] = readCommands('chains/chains.yaml')
  expect(first).toBe('cd examples/chains')
  const said: Said[] = []
  for (const command of commands) said.push(await shell.run(command, join(copy, 'chains')))
  expect(said.map(({ code }) => code)).toEqual([0, 0, 0, 0, 4, 0])
  const [list, review, steps, both, resting, sent] = said
  expect(list?.stdout).toContain('GenerateCode>/Developer)-gemini')
  expect(review?.stdout.trim()).toBe('In short: const reverse = (list) => list.reverse() changes the list it is given.')
  expect(steps?.stdout.trim()).toBe('In short: Rain writes on the roof, and the gutter reads it aloud.')
  expect(both?.stdout).toMatch(/gemini-flash: A colour[\s\S]*claude-sonnet: A colour/)
  expect(resting?.stderr).toContain('Send this letter? Dear tea, twice.')
  expect(sent?.stdout.trim()).toBe('Sent: Dear tea, twice.')
})

describe('careful', () => {
  const cwd = join(copy, 'careful')
  const paid = () =>
    existsSync(join(cwd, 'payments.log')) ? readFileSync(join(cwd, 'payments.log'), 'utf8').split('\n').length - 1 : 0
  const [, whole = '', cut = '', ...after] = readCommands('careful/careful.yaml')

  test('an idempotent script is tried again', async () => {
    const done = await shell.run(`${whole} --output json`, cwd)
    expect(done.code).toBe(0)
    const { report } = JSON.parse(done.stdout) as Result
    expect(report.agents.map(({ name, attempts }) => [name, attempts])).toEqual([
      ['fetch', 2],
      ['pay', 1],
    ])
    expect(paid()).toBe(1)
  })

  test('an unsafe one that was cut off is asked about and not repeated', async () => {
    const before = paid()
    expect(cut).toMatch(/^llm-orc run \.\/careful\.yaml 60 & .*kill -9/)
    const running = startProgram(['run', './careful.yaml', '60'], { cwd, env: shell.env })
    await waitFor(() => paid() > before)
    running.child.kill('SIGKILL')
    await running.done
    const codes: (number | null)[] = []
    const said: Said[] = []
    for (const command of after) {
      const done = await shell.run(command, cwd)
      codes.push(done.code)
      said.push(done)
    }
    expect(after.map((command) => command.split(' ').slice(0, 3).join(' '))).toEqual([
      'llm-orc runs resume',
      'cat payments.log',
      'llm-orc runs resolve',
    ])
    expect(codes).toEqual([4, 0, 0])
    expect(said[0]?.stderr).toContain('pay/script')
    expect(JSON.parse(said[2]?.stdout ?? '')).toEqual({ success: true, paid: 1 })
    expect(paid()).toBe(before + 1)
  })
})

test('code: a step kind of its own, a journal in memory, and a replay that touches nothing', () => {
  const [command = ''] = readCommands('code/median.ts')
  expect(command).toMatch(/^node examples\/code\/median\.ts/)
  const done = spawnSync(process.execPath, [join(examples, 'code', 'median.ts')], { cwd: root, encoding: 'utf8' })
  expect(done.stderr).toBe('')
  expect(done.stdout).toContain('attic is warmest')
  expect(done.stdout).toMatch(/^equal: \d+ events/m)
  expect(done.stdout).toContain('read 6 times in the run, 0 times in the replay')
  expect(done.status).toBe(0)
})

test('code: a context within its budget, and what became of every part', () => {
  const done = spawnSync(process.execPath, [join(examples, 'code', 'context.ts')], { cwd: root, encoding: 'utf8' })
  expect(done.stderr).toBe('')
  expect(done.stdout).toMatch(/^6 messages, at most \d+ of 600 tokens \(bounded\)/)
  expect(done.stdout).toMatch(/^retrieved 2: cut, \d+ -> \d+ \(too_long\)$/m)
  expect(done.stdout).toMatch(/^recent 3: kept, .*\(pinned\)$/m)
})

async function waitFor(holds: () => boolean): Promise<void> {
  for (let round = 0; round < 400; round++) {
    if (holds()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('it did not come about')
}
