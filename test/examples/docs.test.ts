/** What the pages say can be typed and written: every command line parses, every ensemble and config block is valid, every key is named. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { loadOperations } from '../../src/app/operations.ts'
import { checkData } from '../../src/config/checked-data.ts'
import { listSettings, profileSchema, settingsSchema } from '../../src/config/schema.ts'
import { nameVariable } from '../../src/config/settings-env.ts'
import { parseEnsemble } from '../../src/graph/ensemble-parse.ts'
import { knownKeysAt } from '../../src/graph/ensemble-schema.ts'
import { isMap } from '../../src/graph/report.ts'
import { parseYaml } from '../../src/graph/yaml.ts'
import { VENDORS } from '../../src/providers/vendors.ts'
import { buildTree, type FieldSchema } from '../../src/surfaces/cli/build-tree.ts'
import { parseArguments } from '../../src/surfaces/cli/parse.ts'
import { findPlace } from '../../src/surfaces/cli/tree.ts'
import { root } from '../processes.ts'
import { findCalls, listPages, readBlocks } from './markdown.ts'

const operations = [...(await loadOperations()).values()]
const shapes = operations.map(({ name, summary, input }) => ({
  name,
  summary,
  input: z.toJSONSchema(input, { io: 'input' }) as FieldSchema,
}))
const tree = buildTree(shapes, { version: '0', engine: '0', format: 1 })
const pages = listPages().map((file) => ({ file, blocks: readBlocks(file) }))
const guide = (name: string) => readFileSync(join(root, 'docs', 'guides', `${name}.md`), 'utf8')

/** Why the program would refuse the words; undefined when it would not. */
async function refuse(words: readonly string[]): Promise<string | undefined> {
  if (words.some((word) => word === '--help' || word === '-h' || word === '--version')) return undefined
  if (words[0] === 'help')
    return words.length === 1 || findPlace(tree, words.slice(1)).command ? undefined : 'no such command'
  return parseArguments(tree, words).then(
    () => undefined,
    (error: Error) => error.message,
  )
}

test('every command line on the pages and in the examples is one that the program reads', async () => {
  const places = pages.flatMap(({ file, blocks }) =>
    blocks.flatMap(({ language, line, lines }) =>
      language === 'sh' ? lines.map((text, index) => ({ at: `${file}:${line + index}`, text })) : [],
    ),
  )
  const files = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(yaml|ts)$/.test(file),
  )
  for (const file of files) {
    const lines = readFileSync(join(root, 'examples', file), 'utf8').split('\n')
    lines.forEach((text, index) => {
      if (/^(#|\/\/) {3}/.test(text))
        places.push({ at: `examples/${file}:${index + 1}`, text: text.replace(/^\S+/, '') })
    })
  }
  const calls = places.flatMap(({ at, text }) => findCalls(text).map((words) => ({ at, words })))
  expect(calls.length).toBeGreaterThan(60)
  const refused: string[] = []
  for (const { at, words } of calls) {
    const why = await refuse(words)
    if (why !== undefined) refused.push(`${at} llm-orc ${words.join(' ')}: ${why}`)
  }
  expect(refused).toEqual([])
})

test('calls are found wherever a shell would begin a command', () => {
  expect(findCalls(`A=1 llm-orc run x "two words" --seed 1 >out.txt # llm-orc no`)).toEqual([
    ['run', 'x', 'two words', '--seed', '1'],
  ])
  expect(findCalls(`git diff | llm-orc run y && echo "$(llm-orc runs list -o json | jq '.runs[0]')"`)).toEqual([
    ['run', 'y'],
  ])
  expect(findCalls(`id=$(llm-orc run z --detach); llm-orc runs tail 'a b' &`)).toEqual([
    ['run', 'z', '--detach'],
    ['runs', 'tail', 'a b'],
  ])
  expect(findCalls('echo llm-orc run')).toEqual([])
})

test('every operation stands in a guide', () => {
  const text = pages.map(({ file }) => readFileSync(join(root, file), 'utf8')).join('\n')
  expect(operations.filter(({ name }) => !text.includes(`llm-orc ${name}`)).map(({ name }) => name)).toEqual([])
})

test('ensembles on the pages are valid without a word of warning, and so are settings', () => {
  let checked = 0
  const faults = pages.flatMap(({ blocks }) =>
    blocks.flatMap(({ file, line, language, lines }) => {
      if (language !== 'yaml') return []
      const text = lines.join('\n')
      const yaml = parseYaml(text, file)
      const at = (message: string, n = 1) => `${file}:${line + n - 1} ${message}`
      if (yaml.problems.length > 0) return yaml.problems.map((problem) => at(problem.message, problem.line))
      if (!isMap(yaml.data)) return []
      if ('agents' in yaml.data) {
        checked += 1
        return parseEnsemble(text, file).problems.map((problem) => at(problem.message, problem.line))
      }
      const isSettings = Object.keys(yaml.data).some((key) => Object.hasOwn(settingsSchema.shape, key))
      if (!isSettings) return []
      checked += 1
      const { problems, warnings } = checkData(settingsSchema, yaml.data, yaml)
      return [...problems, ...warnings].map((problem) => at(problem.message, problem.line))
    }),
  )
  expect(faults).toEqual([])
  expect(checked).toBeGreaterThan(6)
})

test('the guide to ensembles names every key', () => {
  const text = guide('ensembles')
  const places = [
    [],
    ['agents', 0],
    ['agents', 0, 'depends_on', 0],
    ['coordinator'],
    ['validation'],
    ['validation', 'structural'],
    ['validation', 'schema', 0],
    ['validation', 'behavioral', 0],
    ['validation', 'quantitative', 0],
  ]
  const keys = new Set(places.flatMap((place) => knownKeysAt(place)))
  expect(keys.size).toBeGreaterThan(60)
  expect([...keys].filter((key) => !text.includes(`\`${key}\``) && !text.includes(`\`${key}:`))).toEqual([])
})

test('the guide to configuration names every setting, every key of a profile and every provider', () => {
  const text = guide('configuration')
  const settings = listSettings().map(({ path }) => path.join('.'))
  expect(settings.filter((setting) => !text.includes(`\`${setting}\``))).toEqual([])
  expect(Object.keys(profileSchema.shape).filter((key) => !text.includes(`\`${key}\``))).toEqual([])
  expect(
    VENDORS.flatMap(({ name, key_names, url_names }) => [name, ...key_names, ...url_names]).filter(
      (name) => !text.includes(`\`${name}\``),
    ),
  ).toEqual([])
  expect(text).toContain(nameVariable(['default_profile']))
})

test('every variable that the program reads or gives is explained', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    /^(?!.*\.test).*\.ts$/.test(file),
  )
  const code = sources.map((file) => readFileSync(join(root, 'src', file), 'utf8')).join('\n')
  const variables = new Set(code.match(/\bLLM_ORC_[A-Z]+(?:_[A-Z]+)*\b/g))
  const text = `${guide('configuration')}${guide('scripts')}`
  expect([...variables].filter((name) => !text.includes(name))).toEqual([])
})
