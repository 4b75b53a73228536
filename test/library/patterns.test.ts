/** The shipped patterns, whole: with a scripted model that judges and votes, and without any. Every run is verified as it ends. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { drawPatterns, listPatterns, PATTERNS_PAGE } from '../../scripts/pattern-pictures.ts'
import type { App } from '../../src/app/app.ts'
import { createApp } from '../../src/app/create-app.ts'
import { type RunResult, runTarget } from '../../src/app/runs.ts'
import { findTarget } from '../../src/app/target.ts'
import { makeProject } from '../scenarios/project.ts'
import { callScript } from './run-library.ts'

const open: App[] = []
afterEach(async () => {
  for (const app of open.splice(0)) await app.close()
})

/** Runs a pattern with its scripted answers as the default model, or with nothing at all. */
async function run(
  name: string,
  how: { readonly model: 'scripted' | 'none'; readonly input?: string },
): Promise<RunResult> {
  const script = join(import.meta.dirname, 'fixtures', 'patterns', `${name}.scripted.yaml`)
  const profile = 'model_profiles:\n  default: { provider: scripted, model: rehearsal }\n'
  const project = makeProject(how.model === 'none' ? {} : { 'config.yaml': profile })
  const env = { ...project.env, LLM_ORC_VERIFY_RUNS: '1', LLM_ORC_SCRIPT: script }
  const app = await createApp({ cwd: project.cwd, env })
  open.push(app)
  const target = await findTarget(app, name)
  return runTarget(app, { target, input: how.input ?? target.default_input ?? '', seed: '1' }, {})
}

const agentOf = ({ report }: RunResult, name: string) => report.agents.find((agent) => agent.name === name)

test('every pattern explains itself, has an example of its own and a picture on the page, which is current', async () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', PATTERNS_PAGE), 'utf8')
  expect(drawPatterns(page)).toBe(page)
  const app = await createApp({ cwd: tmpdir(), env: makeProject({}).env })
  open.push(app)
  expect(listPatterns()).toHaveLength(8)
  for (const name of listPatterns()) {
    const { ensemble, warnings } = await findTarget(app, name)
    expect(ensemble).toMatchObject({ name, description: expect.stringMatching(/.{40}/) })
    expect(ensemble?.default_task).toBeTypeOf('string')
    expect(warnings).toEqual([])
    expect(page).toContain(`(#${page.includes(`## ${name}`) ? name : ''}`)
  }
})

test.each(listPatterns())('%s works without any model on its own example', async (name) => {
  const { status, report } = await run(name, { model: 'none' })
  expect(status).toBe('succeeded')
  const answer = report.agents.find((agent) => agent.name === report.answers[0])
  expect(answer?.output).toMatch(/^\[embedded: extractive, not a language model\]/)
})

describe('with a model', () => {
  test('debate: each side answers the other, and the verdict sees both rounds', async () => {
    const result = await run('debate', { model: 'scripted' })
    expect(agentOf(result, 'verdict')?.output).toBe('For the motion, with a live view for the two teams.')
    expect(agentOf(result, 'debate')?.loop).toMatchObject({ rounds: 2, ended: 'limit' })
  })

  test('critique-and-revise: the second draft has the critique of the first, and then it ends', async () => {
    const result = await run('critique-and-revise', { model: 'scripted', input: 'Say when the kitchen is closed.' })
    expect(agentOf(result, 'answer')?.output).toBe('The kitchen is closed from eleven to noon.')
    expect(agentOf(result, 'rounds')?.loop).toMatchObject({ rounds: 2, ended: 'until' })
  })

  test('map-reduce: a note for each file, and a page that names them', async () => {
    const result = await run('map-reduce', { model: 'scripted' })
    expect(agentOf(result, 'notes')?.items).toMatchObject({ total: 2, succeeded: 2 })
    expect(agentOf(result, 'page')?.output).toContain('Both are about payouts')
  })

  test('cascade: the large model is asked only when the local one is not sure, or gives no answer', async () => {
    const easy = await run('cascade', { model: 'scripted', input: 'An easy question' })
    expect(agentOf(easy, 'large')).toMatchObject({ status: 'skipped', reason: 'condition' })
    expect(agentOf(easy, 'answer')?.output).toBe('Four.\n\nConfidence: high')
    const hard = await run('cascade', { model: 'scripted', input: 'A hard question' })
    expect(agentOf(hard, 'answer')?.output).toBe('It is six, because of the leap year.')
    const broken = await run('cascade', { model: 'scripted', input: 'A broken question' })
    expect([broken.status, agentOf(broken, 'answer')?.output]).toEqual([
      'partial',
      'It is six, because of the leap year.',
    ])
  })

  test('judge-panel: two votes are counted, the judge without a verdict abstains', async () => {
    const result = await run('judge-panel', { model: 'scripted' })
    const count = agentOf(result, 'count')
    expect(count?.ballots?.map(({ voter, status }) => `${voter} ${status}`)).toEqual([
      'ballots[0] cast',
      'ballots[1] cast',
      'ballots[2] abstained',
    ])
    expect(count?.tally?.scores).toEqual({ revise: 2 })
    expect(agentOf(result, 'verdict')?.output).toBe('Revise: the sum first, then the names.')
  })

  test('decision: the option that beats every other in pairs wins', async () => {
    const result = await run('decision', { model: 'scripted' })
    expect(agentOf(result, 'count')?.output).toMatchObject({ winner: 'B', ranking: ['B', 'A', 'C'] })
    expect(agentOf(result, 'recommendation')?.output).toBe('Move to the service.')
  })

  test('research-synthesis: a question nobody could answer is a gap, and the run is partial', async () => {
    const result = await run('research-synthesis', { model: 'scripted' })
    expect(agentOf(result, 'findings')?.items).toMatchObject({ total: 3, succeeded: 2, failed: ['findings[1]'] })
    expect(agentOf(result, 'synthesis')?.output).toBe('The move is on 4 May if Sales agrees.')
    expect(result.status).toBe('partial')
  })

  test('problem-decomposition: parts, conflicts, and a plan that is no refusal', async () => {
    const result = await run('problem-decomposition', { model: 'scripted' })
    expect(agentOf(result, 'plan')).toMatchObject({ output: 'Announce nine hours, then copy.' })
    expect(agentOf(result, 'plan')?.verdicts?.map(({ status }) => status)).toEqual(['failed', 'passed'])
    expect(result.report.totals).toMatchObject({ total: 6, failed: 0, inner: { total: 4 } })
  })
})

describe('the scripts they use', () => {
  const mark = (input: unknown, parameters: object = {}) =>
    callScript('text/read_mark.mjs', { input: input as never, parameters: { ...parameters }, context: {} })

  test('read_mark: the last line with the mark, whatever stands around it', async () => {
    const choices = ['accept', 'revise', 'reject']
    expect(await mark('Verdict: accept\nno, wait\n> **Verdict:** *Reject*, for now.', { choices })).toEqual({
      success: true,
      choice: 'reject',
    })
    expect(await mark('verdict = revise', { choices })).toMatchObject({ choice: 'revise' })
    expect(await mark('The verdict: accept is what I would say', { choices })).toEqual({ success: true })
    expect(await mark('Verdict: acceptable', { choices })).toEqual({ success: true })
    expect(await mark('Verdict: perhaps')).toEqual({ success: true, choice: 'perhaps' })
    const item = (text: unknown) => ({ item: { name: 'x', text }, chunk_index: 0, total_chunks: 1, base_input: '' })
    expect(await mark(item('Ranking: "B" > A, C.'), { mark: 'Ranking', ranked: true })).toEqual({
      success: true,
      name: 'x',
      ranking: ['B', 'A', 'C'],
    })
    expect(await mark(item(null))).toEqual({ success: true, name: 'x' })
  })

  test('list_points: numbers, letters and bullets; lines further in belong to the point above', async () => {
    const points = (input: string, parameters = {}) =>
      callScript('text/list_points.mjs', { input, parameters, context: {} })
    expect(await points('Here:\n1. **One**\n   and more\n2) Two\n- Three\nb. Four\n')).toMatchObject({
      data: ['One and more', 'Two', 'Three', 'Four'],
    })
    expect(await points('1. a\n2. b\n3. c', { most: 2 })).toEqual({ success: true, data: ['a', 'b'], left_out: 1 })
    expect(await points('No list at all.')).toMatchObject({ data: ['No list at all.'] })
    expect(await points(' ')).toMatchObject({ success: false })
  })

  test('read_files: patterns, folders and lists; what cannot be read is named', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'llm-orc-files-'))
    mkdirSync(join(cwd, 'notes', '.hidden'), { recursive: true })
    for (const [file, text] of [
      ['notes/b.md', 'B'],
      ['notes/a.md', 'A'],
      ['notes/.hidden/c.md', 'C'],
      ['notes/d.bin', '\0'],
    ])
      writeFileSync(join(cwd, file ?? ''), text ?? '')
    const read = (input: unknown, parameters = {}) =>
      callScript('text/read_files.mjs', { input: input as never, parameters, context: {} }, cwd)
    const both = [
      { path: 'notes/a.md', text: 'A' },
      { path: 'notes/b.md', text: 'B' },
    ]
    expect(await read('notes/*.md\nmissing.txt')).toEqual({
      success: true,
      data: both,
      left_out: [{ path: 'missing.txt', why: 'no such file' }],
    })
    expect(await read('notes')).toMatchObject({ data: both, left_out: [{ path: 'notes/d.bin', why: 'is not text' }] })
    expect(await read('{"files": ["notes/b.md"], "task": "x"}')).toMatchObject({ data: both.slice(1) })
    expect(await read('notes/*.md', { most: 1 })).toMatchObject({
      data: both.slice(0, 1),
      left_out: [{ why: 'more than 1 files' }],
    })
    expect(await read('nothing/*')).toMatchObject({ success: false, error: expect.stringContaining('nothing/*') })
    expect(await read('library:*.md')).toMatchObject({ data: [{ path: 'library:payout-incident.md' }] })
  })
})
