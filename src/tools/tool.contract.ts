import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ERROR_CODES } from '../events/errors.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { findMismatches, findUnsupported } from '../graph/json-schema.ts'
import type { Tool, ToolMeans, ToolOutcome } from './tool.ts'
import { isToolName, isVersion } from './version.ts'

/** A tool under test. Each test gets a new one and an empty folder to work in. */
export interface ToolSample {
  readonly tool: Tool
  /** Puts what the tool needs into its folder. */
  prepare?(cwd: string): Promise<void>
  /** Arguments it succeeds with; absent for one that nothing here can answer. */
  readonly good?: JsonObject
  close?(): Promise<void>
}

/** More than this is no answer to a model. In characters of JSON. */
const LONGEST_ANSWER = 1024 * 1024
const TRIES = 60

/** What every tool must do. */
export function describeTool(name: string, open: () => Promise<ToolSample>): void {
  describe(`${name} keeps the contract of a tool`, () => {
    let sample: ToolSample
    let tool: Tool
    let cwd: string
    beforeEach(async () => {
      sample = await open()
      tool = sample.tool
      cwd = await mkdtemp(join(tmpdir(), 'llm-orc-tool-'))
      await sample.prepare?.(cwd)
    })
    afterEach(async () => {
      await sample.close?.()
      await rm(cwd, { recursive: true, force: true })
    })
    const run = (args: JsonObject, more: Partial<ToolMeans> = {}): Promise<ToolOutcome> =>
      tool.run(args, { signal: new AbortController().signal, idempotency_key: 'key', cwd, progress: () => {}, ...more })

    test('says who it is: a name every provider takes, a semantic version, what it does', () => {
      expect(isToolName(tool.name)).toBe(true)
      expect(isVersion(tool.version)).toBe(true)
      expect(tool.description.trim()).not.toBe('')
    })

    test('has schemas that can be checked, of an object for its arguments', () => {
      const { input, output } = tool.schemas
      expect(input['type']).toBe('object')
      expect([...findUnsupported(input), ...findUnsupported(output ?? {})]).toEqual([])
    })

    test('touches no more than it declares', () => {
      const { read = [], write = [], hosts = [], programs = [], environment = [] } = tool.permissions
      if (tool.safety === 'pure') expect([...write, ...hosts]).toEqual([])
      for (const entry of [...read, ...write, ...hosts, ...programs, ...environment]) expect(entry.trim()).not.toBe('')
    })

    test('answers good arguments with plain JSON of its output schema, and not with a flood', async () => {
      if (!sample.good) return
      const outcome = await run(sample.good)
      if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.message} ${outcome.detail ?? ''}`)
      expect(JSON.parse(JSON.stringify(outcome.output))).toEqual(outcome.output)
      if (tool.schemas.output) expect(findMismatches(tool.schemas.output, outcome.output)).toEqual([])
      expect(JSON.stringify(outcome.output).length).toBeLessThan(LONGEST_ANSWER)
    })

    test('gives the same answer again where it is pure, and leaves everything as it was', async () => {
      if (!sample.good || tool.safety !== 'pure') return
      const before = await readAll(cwd)
      const first = await run(sample.good)
      expect(await run(sample.good)).toEqual(first)
      expect(await readAll(cwd)).toEqual(before)
    })

    test('stopped before it began it touches nothing, and says so', async () => {
      if (!sample.good) return
      const before = await readAll(cwd)
      const outcome = await run(sample.good, { signal: AbortSignal.abort() })
      expect(outcome).toMatchObject({ ok: false, touched: 'no' })
      expect(await readAll(cwd)).toEqual(before)
    })

    test('B03: whatever it is given, it answers with data, and a failure has a code of ours', async () => {
      const before = await readAll(cwd)
      const json = fc.jsonValue({ maxDepth: 2 })
      const words = fc.constantFrom(
        ...Object.keys((tool.schemas.input['properties'] ?? {}) as object),
        '__proto__',
        'x',
      )
      const hostile = fc.dictionary(words, json as fc.Arbitrary<Json>, { maxKeys: 4 })
      await fc.assert(
        fc.asyncProperty(hostile, async (given) => {
          // What fits is a real call, and its effects are the tool's business.
          if (findMismatches(tool.schemas.input, given).length === 0) return
          const outcome = await run(given)
          if (outcome.ok) return
          expect(Object.keys(ERROR_CODES)).toContain(outcome.code)
          expect(outcome.message.trim()).not.toBe('')
        }),
        { numRuns: TRIES, seed: 5 },
      )
      expect(await readAll(cwd)).toEqual(before)
    })
  })
}

/** Path to content of everything in a folder. */
async function readAll(folder: string): Promise<{ readonly [path: string]: string }> {
  const found: { [path: string]: string } = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    found[path] = entry.isFile() ? await readFile(path, 'base64') : 'no file'
  }
  return found
}
