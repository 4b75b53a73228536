import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { convertSources } from '../../src/config/import/convert.ts'
import { FORMATS } from '../../src/config/import/detect.ts'
import { FORMAT_NAMES } from '../../src/config/import/format-names.ts'
import { type JinjaName, toLiquid } from '../../src/config/import/jinja.ts'
import { KEY_VARIABLES } from '../../src/config/import/models.ts'
import type { Json } from '../../src/events/values.ts'
import { checkLiquid } from '../../src/graph/liquid.ts'
import { parseYaml } from '../../src/graph/yaml.ts'
import { VENDORS } from '../../src/providers/vendors.ts'
import { fixtures } from './imports.ts'

const NOTHING = async () => undefined
const KEYS = [
  ...'agents tasks models model_list litellm_params model_name model name role goal backstory description expected_output'.split(
    ' ',
  ),
  ...'nodes edges inputs outputs type source target data id activate when is app mode workflow graph kind'.split(' '),
  ...'sub_agents handoffs context instruction chains main_llm prompt_template text variable value_selector'.split(' '),
  ...'cases conditions comparison_operator variable_selector fallbacks litellm_settings router_settings providers'.split(
    ' ',
  ),
]
const WORDS = [
  'start',
  'llm',
  'if-else',
  'end',
  'answer',
  'code',
  'python',
  'prompt',
  'a',
  'b',
  '${a.output}',
  '{{#a.text#}}',
  '{topic}',
  'openai/gpt-4o',
  '*',
  '',
  '__proto__',
  'constructor',
  '{% for x in a %}',
]

const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.constantFrom<Json>(...WORDS),
    fc.constantFrom<Json>(null, true, 0, -1, 1.5),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 6 }),
  ),
})).value

/** Whatever is in a file: an answer, nothing written where something was refused, and something said about everything. */
async function convertAny(text: string, path: string, format?: string): Promise<void> {
  const { imports, unknown } = await convertSources([{ path, text }], {
    read: NOTHING,
    ...(format === undefined ? {} : { format }),
  })
  expect(imports.length + unknown.length).toBe(1)
  for (const { files, problems, report } of imports) {
    expect(files.length === 0 || problems.length === 0).toBe(true)
    expect(files.length > 0 || problems.length > 0 || report.length > 0 || format !== undefined).toBe(true)
    for (const { content } of files) if (content.includes('agents:')) expect(parseYaml(content).problems).toEqual([])
  }
}

describe('garbage', () => {
  test.each([undefined, ...FORMAT_NAMES])('any data, taken for %s, never crashes an importer', async (format) => {
    await fc.assert(
      fc.asyncProperty(json, async (data) => convertAny(stringify(data), 'file.yaml', format)),
      { numRuns: 150 },
    )
  })

  test('any text, in any kind of file, never crashes an importer', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.stringMatching(/^---\n[a-z: \n{[]{0,40}\n---\n.{0,20}$/),
    )
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom('a.md', 'a.yaml', 'a.json'), async (given, path) =>
        convertAny(given, path),
      ),
      { numRuns: 500 },
    )
  })

  test('a good file cut anywhere, or with any character changed, never crashes an importer', async () => {
    const files = listFixtures()
    const change = fc.tuple(
      fc.constantFrom(...files),
      fc.nat(10_000),
      fc.boolean(),
      fc.constantFrom('{', '}', '[', '"', ':', '#', '$', '\n', ' ', '*', '%'),
    )
    await fc.assert(
      fc.asyncProperty(change, async ([file, at, cut, char]) => {
        const text = readFileSync(join(fixtures, file), 'utf8')
        const place = at % text.length
        await convertAny(cut ? text.slice(0, place) : `${text.slice(0, place)}${char}${text.slice(place + 1)}`, file)
      }),
      { numRuns: 400 },
    )
  })

  test('bombs and deep nesting are refused before an importer sees them', async () => {
    const deep = `agents: ${'['.repeat(200)}${']'.repeat(200)}`
    const { imports, unknown } = await convertSources([{ path: 'deep.yaml', text: deep }], { read: NOTHING })
    expect(imports).toEqual([])
    expect(unknown[0]?.problem).toMatchObject({ code: 'yaml_invalid', message: expect.stringMatching(/deeper/) })
  })

  test('a thousand agents that all lead each other down take little time', async () => {
    const agents = Object.fromEntries(
      Array.from({ length: 900 }, (_, n) => [
        `a${n}`,
        {
          instruction: 'x',
          sub_agents: [1, 2, 3].map((step) => `a${n + step}`).filter((name) => Number(name.slice(1)) < 900),
        },
      ]),
    )
    const { imports } = await convertSources([{ path: 'team.yaml', text: stringify({ agents }) }], { read: NOTHING })
    expect(imports[0]?.problems).toEqual([])
  }, 20_000)
})

describe('nothing in silence', () => {
  test('a key that nobody knows, put anywhere into a good file, is named in the report', async () => {
    const files = listFixtures().filter(
      (file) => /\.ya?ml$/.test(file) && !/answers\.yaml|tasks|one-file|broken/.test(file),
    )
    expect(files.length).toBeGreaterThan(30)
    for (const file of files) {
      const text = readFileSync(join(fixtures, file), 'utf8')
      const read = async (path: string) => readFixture(join(fixtures, path))
      const data = parseYaml(text).data as Json
      for (const path of listMaps(data, [])) {
        const { imports } = await convertSources([{ path: file, text: stringify(putKey(data, path)) }], { read })
        const [one] = imports
        // then the whole file is named as one of no format
        if (!one) continue
        const named = one.report.some(
          ({ what }) => `${printed(path)}.zz_unknown`.startsWith(what) || what.includes('zz_unknown'),
        )
        expect({ file, path, named }).toEqual({ file, path, named: true })
      }
    }
  }, 60_000)
})

test('the names of formats are those of the importers', () => {
  expect(FORMATS.map(({ name }) => name).toSorted()).toEqual([...FORMAT_NAMES].toSorted())
})

test('the variables that keys are looked for in are those of the providers', () => {
  for (const [provider, variable] of Object.entries(KEY_VARIABLES))
    expect({ provider, variable: VENDORS.find(({ name }) => name === provider)?.key_names[0] }).toEqual({
      provider,
      variable,
    })
})

describe('Jinja as Liquid', () => {
  const names = new Map<string, JinjaName>([
    ['a', { path: 'input.a' }],
    ['b', { path: 'steps.b.output', maybe: true }],
    ['c', { text: 'text with {{ braces }}' }],
  ])
  test.each([
    ['{{ a }}', '{{ input.a }}'],
    ['{{ a.x[0] | upper | default("n") }}', '{{ input.a.x[0] | upcase | default: "n" }}'],
    ['{{ b }}', '{{ steps.b.output | default: "" }}'],
    ['{{ c }}', 'text with {{ "{{" }} braces }}'],
    [
      '{% for x in a %}{{ loop.index }}{{ x.y }}{% endfor %}',
      '{% for x in input.a %}{{ forloop.index }}{{ x.y }}{% endfor %}',
    ],
    [
      '{% if a == "1" and b %}y{% else %}n{% endif %}',
      '{% if input.a == "1" and steps.b.output and steps.b.output != empty and steps.b.output != 0 %}y{% else %}n{% endif %}',
    ],
    ['{%- if a is none -%}x{%- endif -%}', '{%- if input.a == nil -%}x{%- endif -%}'],
    ['{# gone #}{% raw %}{{ kept }}{% endraw %}', '{% raw %}{{ kept }}{% endraw %}'],
    ['{% set t = a | trim %}{{ t }}', '{% assign t = input.a | strip %}{{ t }}'],
  ])('%s', (jinja, liquid) => {
    const done = toLiquid(jinja, names)
    expect(done).toMatchObject({ ok: true })
    if (done.ok && !jinja.includes('raw')) expect(done.text).toBe(liquid)
    if (done.ok) expect(checkLiquid(done.text)).toEqual([])
  })

  test.each([
    '{{ a ~ b }}',
    '{{ unknown }}',
    '{{ a | truncate(3) }}',
    '{% macro x() %}{% endmacro %}',
    '{{ f(a) }}',
    '{{ a',
    '{% if a %}',
    '{% endif %}',
    '{% for k, v in a.items() %}{% endfor %}',
    '{% if not a %}x{% endif %}',
    '{{ a if b else c }}',
    '{% include "x" %}',
  ])('%s has no counterpart, and is not passed off as one', (jinja) =>
    expect(toLiquid(`line one\n${jinja}`, names)).toMatchObject({ ok: false, line: 2 }),
  )

  test('whatever comes out can be read as Liquid', () => {
    const piece = fc.constantFrom(
      '{{ a }}',
      '{{ b.c | upper }}',
      '{% if a %}',
      '{% endif %}',
      '{% for x in a %}',
      '{% endfor %}',
      '{{ x }}',
      '{% else %}',
      '{% raw %}',
      '{% endraw %}',
      ' text ',
      '{',
      '}}',
      '%}',
      '{# c #}',
      '{{ "q" }}',
      "{{ a['k'] }}",
      '{% elif a == 1 %}',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const done = toLiquid(pieces.join(''), names)
        if (done.ok)
          expect({ text: done.text, faults: checkLiquid(done.text) }).toEqual({ text: done.text, faults: [] })
      }),
      { numRuns: 2_000 },
    )
  })
})

function listFixtures(): string[] {
  return (readdirSync(fixtures, { recursive: true }) as string[])
    .filter((name) => /\.(ya?ml|md|json)$/.test(name) && statSync(join(fixtures, name)).isFile())
    .toSorted()
}

function readFixture(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

type Path = readonly (string | number)[]

function listMaps(value: Json, path: Path): Path[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => listMaps(item as Json, [...path, index]))
  if (typeof value !== 'object' || value === null) return []
  return [path, ...Object.entries(value).flatMap(([key, item]) => listMaps(item as Json, [...path, key]))]
}

function putKey(value: Json, [first, ...rest]: Path): Json {
  if (first === undefined) return { ...(value as { [key: string]: Json }), zz_unknown: 1 }
  if (Array.isArray(value))
    return value.map((item, index) => (index === first ? putKey(item as Json, rest) : (item as Json)))
  const map = value as { [key: string]: Json }
  return { ...map, [first]: putKey(map[first] ?? null, rest) }
}

function printed(path: Path): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('')
}
