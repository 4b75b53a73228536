import { describe, expect, it } from 'vitest'
import { checkLiquid, liquidSteps, renderLiquid } from './liquid.ts'

const scope = { input: { q: 'why' }, steps: { a: { output: { list: [1, 2], text: '<b>' }, status: 'succeeded' } } }

describe('templates', () => {
  it.each([
    ['Q: {{ input.q }}', 'Q: why'],
    ['{{ steps.a.output }} {{ steps.a.output.list }}', '{"list":[1,2],"text":"<b>"} [1,2]'],
    ['{% for x in steps.a.output.list %}{{ x }};{% endfor %}', '1;2;'],
    ['{{ steps.a.output.text }}', '<b>'],
    ['{% if steps.zz %}yes{% else %}no{% endif %}{{ steps.zz | default: "-" }}', 'no-'],
    ['plain', 'plain'],
  ])('%s', (text, value) => {
    expect(checkLiquid(text)).toEqual([])
    expect(renderLiquid(text, scope)).toEqual({ ok: true, value })
  })

  it.each([
    ['a\n{{ input | nope }}', 'undefined filter: nope', 2],
    ['{% if x', 'not closed', 1],
    ['{% include "/etc/passwd" %}', 'tag "include" not found', 1],
    ['{% render "x" %}', 'tag "render" not found', 1],
    ['\n\n{{ "now" | date: "%Y" }}', 'undefined filter: date', 3],
    ['{{ input | sample }}', 'undefined filter: sample', 1],
  ])('%s is refused with its line', (text, message, line) => {
    expect(checkLiquid(text)).toMatchObject([{ message: expect.stringContaining(message), line }])
  })

  it.each(['{{ steps.b.output }}', '{{ input.zz }}', '{{ steps.a.constructor }}', '{{ process.env }}'])(
    '%s has no value',
    (text) => expect(renderLiquid(text, scope)).toMatchObject({ ok: false, code: 'template_unresolved' }),
  )

  it('stops at a loop that makes too much', () => {
    expect(renderLiquid('{% for i in (1..99999999) %}x{% endfor %}', scope)).toMatchObject({ ok: false })
  })

  it('names the steps it reads', () => {
    expect(liquidSteps('{{ steps.a.output }}{% if steps["b c"].status %}{{ input }}{% endif %}')).toEqual(['a', 'b c'])
  })
})
