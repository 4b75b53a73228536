/** What a person at a terminal sees and types: on a real pseudo-terminal. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { COLUMNS, CTRL_C, hasTerminal, sitDown } from '../fixtures/seat.ts'
import { runProgram } from '../processes.ts'
import { makeProject, type Project } from './project.ts'

const WORKS = `name: works
description: two after each other
agents:
  - name: first
    script: "sleep 1; echo one"
  - name: a-second-one-whose-name-is-much-longer-than-a-narrow-terminal-has-room-for
    script: "sleep 0.6; echo two"
    depends_on: [first]
`
const STAYS = `name: stays
description: goes on until it is stopped
agents:
  - name: stay
    script: "echo begun > begun; trap 'echo stopped > stopped; exit 1' TERM; while :; do sleep 0.1; done"
`
const STUBBORN = STAYS.replaceAll('stays', 'stubborn').replace(
  "trap 'echo stopped > stopped; exit 1' TERM",
  "trap '' TERM INT",
)

async function lastStatus(project: Project): Promise<string> {
  const { stdout } = await runProgram(['runs', 'list', '--output', 'json'], project)
  return (JSON.parse(stdout) as { runs: { status: string }[] }).runs[0]?.status ?? 'none'
}

async function waitFor(isThere: () => boolean): Promise<void> {
  for (let waited = 0; !isThere(); waited += 20) {
    if (waited > 20_000) throw new Error('it never came')
    await sleep(20)
  }
}

describe.skipIf(!hasTerminal)('at a terminal', () => {
  test('progress is drawn while the run goes on, within the screen, and leaves nothing but the result', async () => {
    const project = makeProject({ 'ensembles/works.yaml': WORKS })
    const seat = sitDown(['run', 'works', 'x'], project)
    await seat.see(/ 0% +0\/2 .*\n. first/)
    await seat.see(/ 50% +1\/2 .*\n✓ first.*\n. a-second/)
    expect(await seat.ended).toBe(0)
    const { screen, seen } = seat
    // The line of time and the spinner moved in between.
    expect(seen.filter((text) => / 0% +0\/2 /.test(text)).length).toBeGreaterThan(2)
    expect(
      seen.flatMap((text) => text.split('\n')).filter((line) => / \d+% +\d\/2 /.test(line) && line.length > COLUMNS),
    ).toEqual([])
    expect(screen.text).not.toMatch(/ \d+% +\d\/2 /)
    expect(screen.text).toContain('two')
    expect(screen.text).toMatch(/succeeded +2 succeeded/)
    expect([...screen.strange]).toEqual([])
    expect(screen.hasCursor).toBe(true)
  })

  test('Ctrl-C once: the script is stopped cleanly, the run has ended as cancelled, exit code 130', async () => {
    const project = makeProject({ 'ensembles/stays.yaml': STAYS })
    const seat = sitDown(['run', 'stays', 'x'], project)
    await waitFor(() => existsSync(join(project.cwd, 'begun')))
    await seat.see(/. stay/)
    seat.type(CTRL_C)
    expect(await seat.ended).toBe(130)
    expect(readFileSync(join(project.cwd, 'stopped'), 'utf8')).toBe('stopped\n')
    expect(seat.screen.text).toMatch(/press Ctrl-C again/)
    expect(seat.screen.hasCursor).toBe(true)
    expect(await lastStatus(project)).toBe('cancelled')
    const { stdout } = await runProgram(['runs', 'doctor', '--output', 'json'], project)
    expect(JSON.parse(stdout)).toMatchObject({ healthy: true })
  })

  test('Ctrl-C twice: the program is gone at once with 130, and the run can be taken up', async () => {
    const project = makeProject({ 'ensembles/stubborn.yaml': STUBBORN })
    const seat = sitDown(['run', 'stubborn', 'x'], project)
    await waitFor(() => existsSync(join(project.cwd, 'begun')))
    seat.type(CTRL_C)
    await seat.see(/press Ctrl-C again/)
    seat.type(CTRL_C)
    expect(await seat.ended).toBe(130)
    expect(seat.screen.hasCursor).toBe(true)
    expect(await lastStatus(project)).toBe('unfinished')
    // What was under way is asked about, not done again.
    expect((await runProgram(['runs', 'cancel', 'latest'], project)).code).toBe(0)
    expect(await lastStatus(project)).toBe('cancelled')
  })
})
