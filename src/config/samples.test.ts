import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { listEnsembles } from './definitions.ts'
import { readEnvironment } from './env.ts'
import { checkProfiles, fallbackChain, findDefaultProfile } from './fallbacks.ts'
import { findEnsemble } from './find-ensemble.ts'
import { findPaths } from './paths.ts'
import { readProfiles } from './profiles.ts'

// Files of real users, which are not part of this repository.
const samples = join(import.meta.dirname, '../../../shared/samples')
const there = existsSync(join(samples, 'llm-orc/.llm-orc/config.yaml'))
if (!there) console.warn('SKIPPED: the sample projects are not here, so real configuration files are not tested')

describe.skipIf(!there)('a real project', () => {
  const cwd = join(samples, 'llm-orc')
  const load = async () => {
    const env = { HOME: '/nonexistent', LLM_ORC_LIBRARY_PATH: '../llm-orchestra-library' }
    const paths = await findPaths({ cwd, env, library: '/nonexistent' })
    const config = await readConfig(paths, await readEnvironment(paths, env))
    return { config, found: await readProfiles(config) }
  }

  it('is read whole, without a problem', async () => {
    const { config, found } = await load()
    expect([...config.problems, ...config.warnings, ...found.problems, ...found.warnings]).toEqual([])
    expect(found.profiles.size).toBeGreaterThan(40)
    expect(findDefaultProfile(config.settings, found.profiles)?.name).toBe('micro-local')
  })

  it('has a chain of four, and one circle that disturbs only those who use it', async () => {
    const { profiles } = (await load()).found
    const chain = fallbackChain('premium-claude', profiles)
    expect('chain' in chain && chain.chain.map(({ name }) => name)).toEqual([
      'premium-claude',
      'standard-claude',
      'micro-claude',
      'local-llama',
    ])
    expect(fallbackChain('cycle-test-a', profiles)).toMatchObject({ problem: { code: 'profile_cycle' } })
    expect(checkProfiles((await load()).found).map(({ code }) => code)).toEqual(['profile_cycle'])
  })

  it('lists its ensembles and those of its library', async () => {
    const { paths } = (await load()).config
    const { ensembles, problems } = await listEnsembles(paths)
    expect(problems).toEqual([])
    expect(ensembles.filter(({ problem }) => problem)).toEqual([])
    expect(ensembles.map(({ level }) => level)).toEqual([...Array(7).fill('project'), 'library'])
    for (const { name, file } of ensembles)
      expect(await findEnsemble(name, paths)).toMatchObject({ found: { name, file } })
  })
})
