import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Line, spreadOf, summarise, toMarkdown } from '../../bench/table.ts'
import { numberIn } from '../../bench/work.ts'
import { WORKLOADS, type Workload } from '../../bench/workloads.ts'
import { root } from '../processes.ts'

const folder = mkdtempSync(join(tmpdir(), 'llm-orc-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

function runBench(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [join(root, 'bench', 'run.ts'), ...args], { cwd: root })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (text) => (stdout += text))
  child.stderr.on('data', (text) => (stderr += text))
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
}

/** Those that take seconds even when tiny are left to the bench itself. */
const QUICK = ['W1', 'W3', 'W4', 'W6flat', 'W7', 'W8', 'W8fan']

test('one tiny round of the quick work runs to its end, with right answers and nothing lost', {
  timeout: 180_000,
}, async () => {
  const json = join(folder, 'report.json')
  const args = ['--tiny', '--rounds', '1', '--only', QUICK.join(','), '--json', json]
  const { code, stderr, stdout } = await runBench(args)
  expect(code, stderr).toBe(0)
  const { lines } = JSON.parse(readFileSync(json, 'utf8')) as { lines: Line[] }
  expect(new Set(lines.map(({ work }) => work))).toEqual(new Set(QUICK))
  for (const line of lines) {
    if (line.ratio) expect(line.ratio.median, line.what).toBeGreaterThan(0)
    if (line.what === 'acknowledged answers lost') expect(line.ours.max).toBe(0)
    expect(stdout).toContain(`| ${line.work} | ${line.what} |`)
  }
})

test('a long run is written and verified at each size', { timeout: 120_000 }, async () => {
  const { code, stderr, stdout } = await runBench(['--scale', '--tiny'])
  expect(code, stderr).toBe(0)
  expect(stdout.match(/^\| [\d,]+ \|/gm)).toHaveLength(2)
})

test('unknown work is refused by name', async () => {
  const { code, stderr } = await runBench(['--only', 'W99'])
  expect([code, stderr]).toEqual([2, expect.stringContaining('W99')])
})

test('a regression shows as a ratio to the baseline, and targets are judged by the median', () => {
  const workload: Workload = {
    id: 'X',
    rows: [{ metric: 'wall_ms', what: 'wall', kind: 'ratio', unit: 'ms', must: 3, stretch: 1 }],
    measure: () => Promise.resolve({}),
  }
  const round = (ours: number, limit: number) => ({ ours: { wall_ms: ours }, limit: { wall_ms: limit } })
  const [line] = summarise(workload, [round(20, 10), round(90, 10), round(40, 20)], { 'X wall': 1 })
  expect(line).toMatchObject({ ratio: { min: 2, median: 2, max: 9 }, since: 2, met: 'must' })
  expect(toMarkdown(line ? [line] : [])).toContain('2.00 x slower')
  expect(spreadOf([4, 1, 3, 2])).toEqual({ min: 1, median: 2.5, max: 4 })
})

test('every row names a metric once, and an answer without a number is an error', () => {
  for (const { rows } of WORKLOADS) expect(new Set(rows.map(({ what }) => what)).size).toBe(rows.length)
  expect(numberIn('n=12')).toBe(12)
  expect(() => numberIn('no')).toThrow('holds no number')
})
