import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { askProfiles, hasPython, importInto, listYaml, makeWorkshop, runImported } from './imports.ts'

/** Source, then the input of the run of each ensemble made of it; an empty one is the default task. */
const GOOD: { readonly [format: string]: readonly (readonly [string, string])[] } = {
  claude: [
    ['code-reviewer.md', 'A change'],
    ['release-notes.md', 'Commits'],
    ['incident-scribe.md', 'It broke'],
    ['Data Steward.md', 'A table'],
    ['translator-fr.md', 'Hello'],
    ['security-auditor.md', 'A service'],
    ['windows-lines.md', 'Hello'],
    ['nested/test-writer.md', 'A program'],
  ],
  crewai: [
    ['research', '{"topic": "tides", "year": 2026}'],
    ['unnamed', '{"product": "soap"}'],
    ['context/tasks.yaml', 'Move the office'],
    ['one-file/crew.yaml', 'A letter'],
    ['agents-only', 'Hello'],
    ['braces', '{"customer": "Ada"}'],
    ['pairs', 'Hello'],
    ['llm-map/agents.yaml', 'Hello'],
  ],
  cagent: ['single', 'team', 'handoff', 'local', 'fallback', 'structured', 'own-server', 'deep'].map((name) => [
    `${name}.yaml`,
    'Hello',
  ]),
  promptflow: [
    ['basic/flow.dag.yaml', ''],
    ['chain', ''],
    ['branch', ''],
    ['variants', '{"topic": "rain"}'],
    ['chat', ''],
    ['score', ''],
    ['fields', ''],
    ['constants', 'go'],
  ],
  dify: [
    ['chatflow.yml', 'Why?'],
    ['translate.yml', '{"text": "Hello"}'],
    ['branch.yml', '{"letter": "about money"}'],
    ['template.yml', '{}'],
    ['code.yml', '{"text": "one two three four"}'],
    ['completion.yml', '{"product": "soap"}'],
    ['chat.yml', 'Hello'],
    ['answers.yml', '{"name": "Ada", "query": "Why?"}'],
  ],
}

for (const [format, sources] of Object.entries(GOOD))
  describe(`${format}: converts, passes the check and runs`, () => {
    test.each(sources)('%s', async (source, input) => {
      const shop = makeWorkshop()
      const done = await importInto(shop, join(format, source))
      expect(done.problems).toEqual([])
      expect(done.imports.flatMap(({ problems }) => problems)).toEqual([])
      expect(done).toMatchObject({ valid: true, ok: true, backups: [] })
      expect(new Set(done.imports.map((one) => one.format))).toEqual(new Set([format]))
      const ensembles = done.written.filter((path) => path.startsWith('ensembles/'))
      expect(ensembles.length).toBeGreaterThan(0)
      if (!hasPython && done.written.some((path) => path.endsWith('.py'))) return
      for (const path of ensembles) {
        const { status, report } = await runImported(shop, path, input)
        expect({ path, status, failed: report.agents.filter((agent) => agent.status === 'failed') }).toEqual({
          path,
          status: 'succeeded',
          failed: [],
        })
      }
    })
  })

describe('litellm: converts, and every profile answers', () => {
  test.each(['basic', 'fallbacks', 'balanced', 'mutual', 'keys', 'aliases', 'local', 'wildcard'])(
    '%s',
    async (name) => {
      const shop = makeWorkshop()
      const done = await importInto(shop, `litellm/${name}.yaml`)
      expect(done).toMatchObject({ valid: true, ok: true, problems: [] })
      const profiles = listYaml(join(shop.folder, 'profiles')).map((text) => /^name: (.*)$/m.exec(text)?.[1] ?? '')
      expect(profiles.length).toBeGreaterThan(0)
      const { status } = await askProfiles(shop, profiles)
      expect(status).toBe('succeeded')
      const text = readAll(shop.folder, done.written)
      expect(text).not.toMatch(/never/)
    },
  )
})

function readAll(folder: string, paths: readonly string[]): string {
  return paths.map((path) => readFileSync(join(folder, path), 'utf8')).join('\n')
}
