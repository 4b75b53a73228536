import { describe, expect, test } from 'vitest'
import { NASTY_OUTPUTS } from '../../events/views/sample-events.ts'
import { gracefulSpec } from '../graceful.ts'
import type { GraphStep, StepGraph } from '../step-graph.ts'
import { drawAscii } from './ascii.ts'
import { drawMermaid } from './mermaid.ts'
import { pictureOf } from './picture.ts'
import { drawSvg } from './svg.ts'

const agent = (id: string, more: Partial<GraphStep> = {}): GraphStep => ({
  id,
  kind: 'agent',
  spec: { candidates: [{ provider: 'ollama', model: 'llama3' }] },
  ...more,
})
const after = (step: string, on: 'always' | 'success' | 'failure' | 'verdict' = 'always') => ({ step, on })

const graph: StepGraph = {
  name: 'demo',
  steps: [
    agent('split'),
    { id: 'work', kind: 'each', after: [after('split')], spec: { width: 4, step: agent('item') } },
    {
      id: 'fix/when',
      kind: 'condition',
      after: [after('work')],
      spec: { expression: 'steps.work.status == "failed"' },
    },
    agent('fix', { after: [after('work', 'failure'), after('fix/when', 'verdict')] }),
    {
      id: 'polish',
      kind: 'loop',
      after: [after('work', 'success')],
      spec: {
        max_iterations: 3,
        until: 'round == 2',
        body: { name: '', steps: [agent('draft'), agent('critic', { after: [after('draft')] })] },
      },
    },
    { id: 'join', kind: 'assemble', after: [after('polish')], spec: { method: 'vote', blocks: [] } },
  ],
}

describe('the picture of a graph', () => {
  test('conditions are words on what they open, not boxes of their own', () => {
    const { rows } = pictureOf(graph)
    expect(rows.map((row) => row.map(({ id }) => id))).toEqual([['split'], ['work'], ['fix', 'polish'], ['join']])
    expect(rows[2]?.[0]?.notes).toEqual(['ollama/llama3', 'when steps.work.status == "failed"'])
  })

  test('as text', () => {
    expect(drawAscii(pictureOf(graph))).toMatchInlineSnapshot(`
      "[split]  ollama/llama3
        |
      [work]  for each of its first dependency, 4 at once  <- split
        : [item]  ollama/llama3
        |
      [fix]  ollama/llama3; when steps.work.status == "failed"  <- work (failure)
      [polish]  at most 3 rounds, until round == 2  <- work (success)
        : [draft]  ollama/llama3
        :   |
        : [critic]  ollama/llama3  <- draft
        |
      [join]  assemble: vote  <- polish"
    `)
  })

  test('an ensemble that finishes by itself is what is inside it, not the model that writes its last answer', () => {
    const inner = { name: 'inner', steps: [agent('scout')] }
    const finish = { limits: { max_calls: 3 }, candidates: [{ provider: 'p', model: 'last' }] }
    const spec = { ...gracefulSpec(inner, finish), ensemble: 'inner' }
    expect(drawAscii(pictureOf({ name: 'g', steps: [{ id: 'x', kind: 'graceful', spec }] }))).toMatchInlineSnapshot(`
      "[x]  ensemble inner; finishes within its budget
        : [scout]  ollama/llama3"
    `)
  })

  test('as mermaid: everything that could break it is an entity', () => {
    const drawn = drawMermaid(
      pictureOf({ name: 'x', steps: [agent('a"]; click'), agent('b', { after: [after('a"]; click', 'failure')] })] }),
    )
    expect(drawn).toContain('n0["a#34;]#59; click<br/>ollama/llama3"]')
    expect(drawn).toContain('n0 -.->|failure| n1')
    expect(drawMermaid(pictureOf(graph)).match(/subgraph/g)).toHaveLength(2)
  })

  test('S21: names and conditions of strangers stay text, in every drawing', () => {
    for (const nasty of NASTY_OUTPUTS) {
      const steps = [agent(nasty), agent('b', { after: [after(nasty, 'failure')], spec: { name: nasty } })]
      const condition = { id: 'b/when', kind: 'condition', spec: { expression: nasty } }
      const picture = pictureOf({ name: nasty, steps: [...steps, condition] })
      const drawn = drawSvg(picture)
      expect(drawn.replaceAll(/<\/?(svg|style|defs|marker|path|rect|text)( [\w:-]+="[^"<>]*")*\/?>/g, '')).not.toMatch(
        /[<>]/,
      )
      expect(drawn).not.toMatch(/ (on\w+|(xlink:)?href|style)="|url\((?!#tip\))/)
      const mermaid = drawMermaid(picture)
      expect(mermaid).not.toMatch(/<(?!br\/>)|^\s*(click|%%)/m)
      for (const text of [drawn, mermaid, drawAscii(picture)]) {
        // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
        expect(text).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
        expect(text.isWellFormed()).toBe(true)
      }
    }
  })

  test('S21 as SVG: nothing of the file becomes markup, boxes of a level do not overlap', () => {
    const drawn = drawSvg(pictureOf({ name: 'x', steps: [agent('<script>alert(1)</script>'), agent('b')] }))
    expect(drawn).toContain('&lt;script&gt;')
    expect(drawn).not.toContain('<script')
    const boxes = [...drawSvg(pictureOf(graph)).matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"/g)].map(
      ([, x, y, width]) => ({ x: Number(x), y: Number(y), width: Number(width) }),
    )
    expect(boxes).toHaveLength(8)
    for (const a of boxes)
      for (const b of boxes) if (a !== b && a.y === b.y && a.x < b.x) expect(a.x + a.width).toBeLessThanOrEqual(b.x)
  })
})
