import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseEnsemble } from '../graph/ensemble-parse.ts'
import { listEnsembles } from './definitions.ts'
import { checkProfiles } from './fallbacks.ts'
import { findEnsemble } from './find-ensemble.ts'
import { initProject } from './init.ts'
import { readProfiles } from './profiles.ts'
import { resolveScript } from './scripts.ts'
import { makeWorld } from './world.fixture.ts'

const shipped = join(import.meta.dirname, '../../library')

describe('init', () => {
  it('writes a project in which every reader is content', async () => {
    const world = await makeWorld()
    const project = world.at('new: "place"')
    const report = await initProject(project)
    expect(report.written.map((file) => file.slice(report.folder.length + 1))).toEqual([
      'config.yaml',
      'ensembles/example.yaml',
      'scripts/count_words.mjs',
      '.env.example',
      '.gitignore',
    ])
    const config = await world.config({ cwd: project })
    expect([...config.problems, ...config.warnings]).toEqual([])
    expect(config.settings.project?.name).toBe('new: "place"')
    expect(checkProfiles(await readProfiles(config))).toEqual([])
    const { ensembles, problems } = await listEnsembles(config.paths)
    expect(problems).toEqual([])
    expect(ensembles).toMatchObject([{ name: 'example', agents: 2, level: 'project' }])
  })

  it('ships an example without mistakes whose scripts are in the library', async () => {
    const world = await makeWorld()
    await initProject(world.project)
    const paths = await world.paths({ library: shipped })
    const found = await findEnsemble('example', paths)
    if (!('found' in found)) throw new Error(found.problem.message)
    const { problems, references } = parseEnsemble(found.found.text, found.found.file)
    expect(problems).toEqual([])
    for (const reference of references.scripts)
      expect(await resolveScript(reference, paths, { node: process.execPath })).toMatchObject({ type: 'file' })
  })

  it('changes nothing that exists and repairs what is missing', async () => {
    const world = await makeWorld()
    const first = await initProject(world.project, { name: 'one' })
    const config = join(first.folder, 'config.yaml')
    await writeFile(config, 'project: {name: mine}\n')
    await rm(join(first.folder, '.gitignore'))
    const second = await initProject(world.project, { name: 'two' })
    expect(second.written).toEqual([join(first.folder, '.gitignore')])
    expect(second.kept).toHaveLength(4)
    expect(await readFile(config, 'utf8')).toBe('project: {name: mine}\n')
    expect((await initProject(world.project)).written).toEqual([])
  })

  it('leaves the script out on demand', async () => {
    const world = await makeWorld()
    const { written } = await initProject(world.project, { scripts: false })
    expect(written.some((file) => file.includes('count_words'))).toBe(false)
  })

  it.each(['$& $1 $$', '- x', 'a\nb', '日本', "it's: #1"])('keeps the name %j', async (name) => {
    const world = await makeWorld()
    await initProject(world.project, { name })
    expect((await world.config()).settings.project?.name).toBe(name)
  })

  it('says what is in the way', async () => {
    const world = await makeWorld({ 'other/.llm-orc': 'a file' })
    await expect(initProject(world.at('other'))).rejects.toMatchObject({
      problems: [{ code: 'file_unreadable', hint: expect.stringContaining('has to be a folder') }],
    })
  })
})
