/** The rules on the pages are rules: each is read as a user's policy file would be, and every key is explained. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createApp } from '../../src/app/create-app.ts'
import { loadPolicy } from '../../src/app/policy.ts'
import { policyFile, policyRule } from '../../src/config/policy.ts'
import { parseYaml } from '../../src/graph/yaml.ts'
import { describeCall } from '../../src/trust/call.ts'
import { makeHome, root } from '../processes.ts'
import { listPages, readBlocks } from './markdown.ts'

const blocks = listPages()
  .flatMap(readBlocks)
  .filter(({ language, lines }) => language === 'yaml' && lines.some((line) => /^ +decision:/.test(line)))

async function load(text: string) {
  const { env } = makeHome()
  const folder = join(env.XDG_CONFIG_HOME ?? '', 'llm-orchestrator')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'policy.yaml'), text)
  const app = await createApp({ cwd: mkdtempSync(join(tmpdir(), 'llm-orc-policy-')), env })
  try {
    return await loadPolicy(app)
  } finally {
    await app.close()
  }
}

test('every policy on a page can be read', async () => {
  expect(blocks.length).toBeGreaterThan(0)
  for (const { lines } of blocks) {
    const text = lines.join('\n')
    const { rules } = parseYaml(text, 'page').data as { rules: readonly unknown[] }
    const { levels } = await load(text)
    expect(levels.find(({ name }) => name === 'user')?.rules).toHaveLength(rules.length)
  }
})

test('and decides as the guide says', async () => {
  const block = blocks.find(({ file }) => file.endsWith('approvals.md'))
  const { explain } = await load(block?.lines.join('\n') ?? '')
  const decide = (name: string, args: Parameters<typeof describeCall>[1], labels: readonly string[] = []) =>
    explain(describeCall(name, args, { safety: 'unsafe', labels })).decision
  expect(decide('bash', { command: 'git status -s' })).toBe('allow')
  expect(decide('bash', { command: 'git status; ls' })).toBe('ask')
  expect(decide('bash', { command: 'git status; rm x' })).toBe('deny')
  expect(decide('bash', { command: 'git status -s' }, ['outside'])).toBe('allow')
  expect(decide('write_file', { path: 'docs/a/b.md' })).toBe('allow')
  expect(decide('write_file', { path: 'docs/../a.md' })).toBe('ask')
  expect(decide('write_file', { path: 'docs/key.pem' })).toBe('deny')
  expect(decide('http_fetch', { url: 'https://www.example.org/' })).toBe('allow')
  expect(decide('http_fetch', { url: 'https://example.org.evil.test/' })).toBe('ask')
  expect(decide('mcp:files:write', {})).toBe('ask')
})

test('the guide explains every key', () => {
  const text = readFileSync(join(root, 'docs', 'guides', 'approvals.md'), 'utf8')
  const keys = [...Object.keys(policyFile.shape), ...Object.keys(policyRule.shape)]
  expect(keys.filter((key) => !text.includes(`\`${key}\``))).toEqual([])
})
