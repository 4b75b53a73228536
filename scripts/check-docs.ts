import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ERROR_CODES } from '../src/events/errors.ts'
import { EVENT_TYPES } from '../src/events/event.ts'
import { type Finding, listFiles, reportFindings } from './finding.ts'
import { headingsOf, linksOf } from './markdown.ts'

const DEPENDENCY_LIMIT = 45

/** Every code has a heading `## code` in docs/errors.md and the other way round, in alphabetical order. */
export function compareErrorCodes(codes: readonly string[], markdown: string): Finding[] {
  const file = 'docs/errors.md'
  const headings = headingsOf(markdown).filter(({ level }) => level === 2)
  const names = headings.map(({ text }) => text)
  const missing = codes
    .filter((code) => !names.includes(code))
    .map((code) => ({ file, line: 1, message: `no heading for the code ${code}: what it means, what to do` }))
  const stale = headings
    .filter(({ text }) => !codes.includes(text))
    .map(({ text, line }) => ({ file, line, message: `${text} is no code in src/events/errors.ts` }))
  const unsorted = headings
    .filter(({ text }, index) => index > 0 && text < names[index - 1]!)
    .map(({ text, line }) => ({ file, line, message: `${text} stands out of alphabetical order` }))
  return [...missing, ...stale, ...unsorted]
}

export interface EventTypeFacts {
  readonly origin: { readonly [actor: string]: string }
}

/**
 * The table of docs/guides/journal.md has every event type once. A row is `| types | actors | origins | meaning |`; actors and
 * origins are those of all its types together.
 */
export function compareEventTypes(types: { readonly [type: string]: EventTypeFacts }, markdown: string): Finding[] {
  const file = 'docs/guides/journal.md'
  const findings: Finding[] = []
  const seen = new Set<string>()
  for (const [index, row] of markdown.split('\n').entries()) {
    const [, first = '', actors = '', origins = ''] = row.split('|').map((cell) => cell.trim())
    const names = /^`[a-z]+-[a-z]+`(, `[a-z]+-[a-z]+`)*$/.test(first) ? first.replaceAll('`', '').split(', ') : []
    const say = (message: string): void => void findings.push({ file, line: index + 1, message })
    for (const name of names) {
      if (!types[name]) say(`${name} is no event type in src/events/event.ts`)
      if (seen.has(name)) say(`${name} stands in the table twice`)
      seen.add(name)
    }
    const known = names.flatMap((name) => types[name] ?? [])
    if (known.length === 0) continue
    const by = joinSorted(known.flatMap(({ origin }) => Object.keys(origin)))
    const as = joinSorted(known.flatMap(({ origin }) => Object.values(origin)))
    if (joinSorted(actors.split(', ')) !== by) say(`${first} come from: ${by}`)
    if (joinSorted(origins.split(', ')) !== as) say(`${first} have the origin: ${as}`)
  }
  for (const type of Object.keys(types)) {
    if (!seen.has(type)) findings.push({ file, line: 1, message: `no row for the event ${type} in the table of types` })
  }
  return findings
}

function joinSorted(words: readonly string[]): string {
  return [...new Set(words)].sort().join(', ')
}

/** Relative links in the project's pages lead to files, and their anchors to headings. */
export function checkLinks(root: string): Finding[] {
  const folders = ['docs', 'examples', 'library']
  const pages = [
    ...listFiles(root, '.md').filter((file) => !file.includes('/')),
    ...folders.flatMap((folder) => listFiles(join(root, folder), '.md').map((file) => `${folder}/${file}`)),
  ]
  const findings: Finding[] = []
  for (const file of pages) {
    for (const { target, line } of linksOf(readFileSync(join(root, file), 'utf8'))) {
      if (/^[a-z]+:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const page = path ? join(root, dirname(file), path) : join(root, file)
      if (!existsSync(page)) findings.push({ file, line, message: `the link to ${target} leads nowhere` })
      else if (anchor && page.endsWith('.md') && !hasAnchor(readFileSync(page, 'utf8'), anchor)) {
        findings.push({ file, line, message: `the link to ${target} names a heading that is not there` })
      }
    }
  }
  return findings
}

function hasAnchor(markdown: string, anchor: string): boolean {
  return headingsOf(markdown).some(({ slug }) => slug === anchor)
}

/** Few direct dependencies, and the same exact versions in package.json and package-lock.json. */
export function checkManifest(root: string): Finding[] {
  const file = 'package.json'
  const manifest = JSON.parse(readFileSync(join(root, file), 'utf8')) as Manifest
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: { '': Manifest } }
  const findings: Finding[] = []
  const count = Object.keys(manifest.dependencies ?? {}).length
  if (count >= DEPENDENCY_LIMIT) {
    findings.push({ file, line: 1, message: `${count} direct dependencies; stay below ${DEPENDENCY_LIMIT}` })
  }
  for (const list of ['dependencies', 'devDependencies'] as const) {
    for (const [name, version] of Object.entries(manifest[list] ?? {})) {
      if (lock.packages[''][list]?.[name] === version) continue
      findings.push({ file, line: 1, message: `${name} ${version} is not what package-lock.json has; run npm install` })
    }
  }
  return findings
}

interface Manifest {
  readonly dependencies?: { readonly [name: string]: string }
  readonly devDependencies?: { readonly [name: string]: string }
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..')
  const read = (file: string): string => readFileSync(join(root, file), 'utf8')
  const findings = [
    ...compareErrorCodes(Object.keys(ERROR_CODES), read('docs/errors.md')),
    ...compareEventTypes(EVENT_TYPES, read('docs/guides/journal.md')),
    ...checkLinks(root),
    ...checkManifest(root),
  ]
  reportFindings(
    findings,
    `${Object.keys(ERROR_CODES).length} error codes, ${Object.keys(EVENT_TYPES).length} event types, all links`,
  )
}
