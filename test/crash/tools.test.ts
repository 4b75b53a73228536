import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRandom } from '../../src/events/random.ts'
import { CLEAN, Course, createTally } from './course.ts'
import { APPROVAL_POINTS } from './points.ts'
import { isWanted } from './tools.ts'
import { prepareVictims, type Victims } from './victim.ts'

const kills = Number(process.env.TOOL_KILLS ?? process.env.KILLS ?? 12)
/** A run that is to be tried in vain so often does not move. */
const LIVES = 80

let victims: Victims
beforeAll(async () => {
  victims = await prepareVictims()
})
afterAll(() => victims.remove())

test(`I8 I16 ${kills} kills of agents with an unsafe tool, at every boundary and at random: each call once, or asked; none without approval`, {
  timeout: 60_000 + kills * 3_000,
}, async () => {
  const random = createRandom('tool kills')
  const tally = createTally()
  const seen = { calls: 0, sent: 0, denied: 0 }
  const reached = new Map<string, number>()
  for (let turn = 0; tally.kills < kills; ) {
    const judge = ({ request }: { readonly request: Parameters<typeof isWanted>[0] }) =>
      isWanted(request) ? 'approve' : 'deny'
    const course = new Course({ victims, workflow: 'agents', tally, judge })
    for (let life = 0; life < LIVES && tally.kills < kills; life++) {
      const point = APPROVAL_POINTS[turn++ % APPROVAL_POINTS.length] as (typeof APPROVAL_POINTS)[number]
      // Every boundary by turns, and between two of them any time.
      const byChance = turn % 4 === 0
      const how = byChance
        ? { violence: { killAfter: random() * 60 } }
        : { crash: { point, n: 1 + Math.floor(random() * 3) } }
      const end = await course.live(how)
      if (end === 'killed' && !byChance) reached.set(point, (reached.get(point) ?? 0) + 1)
      if (end === 'finished') break
    }
    const events = await course.finish()
    const touched = course.touches().filter(({ key }) => key.includes('/tool:')).length
    seen.sent += touched
    seen.calls += new Set(events.flatMap((event) => (event.type === 'approval-requested' ? [event.data.key] : []))).size
    seen.denied += events.filter(({ type }) => type === 'approval-denied').length
    // Three agents, each with three letters that are wanted.
    expect(touched).toBe(9)
  }
  console.log(`tools: ${JSON.stringify({ ...tally, ...seen })}; ${JSON.stringify(Object.fromEntries(reached))}`)
  expect(tally).toMatchObject(CLEAN)
})

test('F8 approval: three parallel calls, two approved, kill -9, restart: exactly those two run, once', {
  timeout: 300_000,
}, async () => {
  const points = [
    'resume-after',
    'approval-before',
    'approval-after',
    'intent-before',
    'intent-after',
    'dispatch',
    'touched',
    'answered',
    'answer-after',
  ] as const
  for (const point of points) {
    const tally = createTally()
    let third: 'wait' | 'deny' = 'wait'
    const judge = ({ key }: { readonly key: string }) => (key.endsWith('tool:2') ? third : 'approve')
    const course = new Course({ victims, workflow: 'trio', tally, judge })
    expect(await course.live()).toBe('resting')
    expect(course.touches()).toEqual([])
    expect(await course.live({ crash: { point, n: 1 } })).toBe('killed')
    // The third is asked about still, whatever became of the other two.
    for (let lives = 0; lives < 4; lives++) expect(await course.live()).toBe('resting')
    expect(
      course
        .touches()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(['trio/tool:1', 'trio/tool:3'])
    third = 'deny'
    await course.live()
    await course.finish()
    expect(course.touches()).toHaveLength(2)
    expect(tally).toMatchObject(CLEAN)
  }
})
