import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ImportReport } from '../../src/app/import-files.ts'
import { runInside } from '../inside.ts'
import { runProgram } from '../processes.ts'
import { fixtures, importInto, makeWorkshop } from './imports.ts'

test('a file that is there and says something else is left alone, and nothing else is written either', async () => {
  const shop = makeWorkshop()
  const file = join(shop.folder, 'ensembles', 'code-reviewer.yaml')
  mkdirSync(join(shop.folder, 'ensembles'))
  writeFileSync(file, 'name: mine\n')
  await expect(importInto(shop, 'claude/code-reviewer.md')).rejects.toMatchObject({
    problems: [{ code: 'import_conflict', file, hint: expect.stringContaining('--force') }],
  })
  expect(readFileSync(file, 'utf8')).toBe('name: mine\n')
  expect(existsSync(join(shop.folder, 'profiles'))).toBe(false)

  const forced = await importInto(shop, 'claude/code-reviewer.md', { force: true })
  expect(forced).toMatchObject({ ok: true, backups: ['ensembles/code-reviewer.yaml.bak'] })
  expect(readFileSync(`${file}.bak`, 'utf8')).toBe('name: mine\n')
  expect(readFileSync(file, 'utf8')).toContain('You review changes')

  const again = await importInto(shop, 'claude/code-reviewer.md')
  expect(again).toMatchObject({
    written: [],
    backups: [],
    unchanged: ['ensembles/code-reviewer.yaml', expect.stringContaining('profiles/')],
  })
})

test('a link in the place of a file is not written through', async () => {
  const shop = makeWorkshop()
  const other = join(shop.project, 'precious.txt')
  writeFileSync(other, 'precious')
  mkdirSync(join(shop.folder, 'ensembles'))
  symlinkSync(other, join(shop.folder, 'ensembles', 'translator-fr.yaml'))
  await expect(importInto(shop, 'claude/translator-fr.md')).rejects.toMatchObject({ code: 'import_conflict' })
  await importInto(shop, 'claude/translator-fr.md', { force: true })
  expect(readFileSync(other, 'utf8')).toBe('precious')
})

test('a dry run writes nothing, and checks all the same', async () => {
  const shop = makeWorkshop()
  const done = await importInto(shop, 'dify/branch.yml', { dry_run: true })
  expect(done).toMatchObject({
    ok: true,
    dry_run: true,
    written: ['ensembles/branch.yaml', 'profiles/openai-gpt-4o.yaml'],
  })
  expect(readdirSync(shop.folder)).toEqual([])
})

test('two sources that want one name both get one', async () => {
  const shop = makeWorkshop()
  const source = join(shop.project, 'agents')
  for (const part of ['a', 'b']) {
    mkdirSync(join(source, part), { recursive: true })
    writeFileSync(join(source, part, 'x.md'), `---\nname: same\ndescription: ${part}\n---\nI am ${part}.\n`)
  }
  const done = await importInto(shop, 'claude', { source })
  expect(done.written).toEqual(['ensembles/same.yaml', 'ensembles/same-2.yaml'])
  expect(done.imports.flatMap(({ files }) => files)).toEqual(done.written)
  expect(readFileSync(join(shop.folder, 'ensembles', 'same-2.yaml'), 'utf8')).toContain('name: same-2')
})

test('settings are added to config.yaml with its comments kept; another value in the same place is a conflict', async () => {
  const shop = makeWorkshop()
  const config = join(shop.folder, 'config.yaml')
  writeFileSync(config, '# mine\nproviders:\n  office: { type: vllm } # the one upstairs\n')
  await importInto(shop, 'litellm/keys.yaml')
  const text = readFileSync(config, 'utf8')
  expect(text).toMatch(/# mine[\s\S]*# the one upstairs[\s\S]*TEAM_A_OPENAI_KEY/)
  expect(text).not.toContain('never')
  writeFileSync(config, 'providers:\n  team-a-openai: { type: vllm }\n')
  await expect(importInto(shop, 'litellm/keys.yaml')).rejects.toMatchObject({
    problems: [{ code: 'import_conflict', message: expect.stringContaining('providers.team-a-openai') }],
  })
})

test('chains of the older program go to config.yaml as they are', async () => {
  const shop = makeWorkshop()
  const done = await importInto(shop, 'other/chains.yaml')
  expect(done).toMatchObject({ ok: true, written: ['config.yaml'] })
  expect(readFileSync(join(shop.folder, 'config.yaml'), 'utf8')).toContain('GenerateCode>/Developer)-gemini')
})

test('capabilities of models keep their form, with the model that each entry means', async () => {
  const shop = makeWorkshop()
  const done = await importInto(shop, 'other/capabilities.json')
  expect(done).toMatchObject({ ok: true, written: ['capabilities.json'] })
  const { models } = JSON.parse(readFileSync(join(shop.folder, 'capabilities.json'), 'utf8')) as { models: object }
  expect(models).toEqual({
    'xai-grok4-fast': expect.objectContaining({
      provider: 'xai',
      model: 'grok-4-fast-non-reasoning',
      max_output_tokens: 30_000,
    }),
    'openai-gpt35': expect.objectContaining({ provider: 'openai', model: 'gpt35', cost_per_1k_tokens: 0.002 }),
  })
  const report = done.imports.flatMap((one) => one.report)
  const levelOf = (what: string) => report.find((finding) => finding.what === what)?.level
  expect(levelOf('models.xai-grok4-fast.skills')).toBe('taken')
  expect(levelOf('models.openai-gpt35')).toBe('assumed')
  expect(levelOf('models.openai-gpt35.mood')).toBe('not_possible')
  expect(levelOf('models.someone')).toBe('not_possible')
})

test('a key in a source is in no file that was written, and in no report', async () => {
  const shop = makeWorkshop()
  const done = await importInto(shop, 'litellm/mutual.yaml')
  expect(JSON.stringify(done)).not.toContain('sk-never')
  const code = await importInto(shop, 'dify/code.yml')
  expect(JSON.stringify(code)).not.toContain('hush-hush')
  for (const path of [...done.written, ...code.written])
    expect(readFileSync(join(shop.folder, path), 'utf8')).not.toMatch(/sk-never|hush-hush/)
})

test('the report tells what was taken over, what was assumed and what is gone, each with its place', async () => {
  const done = await importInto(makeWorkshop(), 'crewai/unnamed')
  const report = done.imports.flatMap((one) => one.report)
  expect(report).toContainEqual({
    level: 'taken',
    what: 'market_analyst.role',
    where: 'config/agents.yaml:2:3',
    why: expect.any(String),
  })
  expect(report).toContainEqual({
    level: 'not_possible',
    what: 'market_analyst.verbose',
    where: 'config/agents.yaml:5:3',
    why: expect.stringContaining('recorded'),
  })
  expect(report).toContainEqual({
    level: 'assumed',
    what: 'slogan_task',
    where: 'config/tasks.yaml:4:1',
    why: expect.stringContaining('copywriter was taken'),
  })
})

test('from the command line: exit code 0 with a report, 2 when nothing could be converted, 1 when something was refused', async () => {
  const shop = makeWorkshop()
  const how = { cwd: shop.project, env: shop.env }
  const good = await runProgram(['import', join(fixtures, 'cagent', 'team.yaml')], how)
  expect({ code: good.code, stderr: good.stderr }).toEqual({
    code: 0,
    stderr: expect.stringContaining('llm-orc run team'),
  })
  expect(good.stdout).toMatch(/cagent: \d+ taken, \d+ assumed, \d+ not possible/)
  expect(good.stdout).toMatch(/not possible {2}agents\.root\.toolsets: tools are not taken over/)
  expect((await runInside(['ensembles', 'check', 'team'], how)).code).toBe(0)

  const bad = await runProgram(['import', join(fixtures, 'dify', 'broken', 'tool.yml')], how)
  expect({ code: bad.code, said: `${bad.stdout}${bad.stderr}` }).toEqual({
    code: 2,
    said: expect.stringContaining('import_refused'),
  })

  const mixed = await runInside(['import', join(fixtures, 'dify'), '--output', 'json', '--dry-run'], how)
  expect(mixed.code).toBe(1)
  expect((JSON.parse(mixed.stdout) as ImportReport).imports.length).toBeGreaterThan(8)

  const nowhere = await runInside(['import', join(fixtures, 'cagent', 'team.yaml')], { cwd: fixtures, env: shop.env })
  expect({ code: nowhere.code, stderr: nowhere.stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining('llm-orc init'),
  })

  const forced = await runInside(['import', join(fixtures, 'other', 'plan.json'), '--format', 'litellm'], how)
  expect(forced.code).toBe(2)
}, 60_000)
