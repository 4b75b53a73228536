// Primitive: code/measure_diff
// Input: a unified diff as the step's input, or the file at the parameter path
// Output: success, files_changed, additions, deletions, test_files_changed, code_without_tests, largest_file, files [{path, status, additions, deletions, test}], flags [{kind, place, line}], flags_left_out
// Depends: Node 20 or newer, nothing else
// Safety: pure

import { readFile } from 'node:fs/promises'

const FLAG_LIMIT = 50
const TEST_PATH = /(?:^|[/_.-])(?:tests?|specs?|__tests__)(?:[/_.-]|$)/iu
const CODE_PATH = /\.(?:[cm]?[jt]sx?|py|rb|go|rs|java|kt|cs|c|cc|cpp|h|hpp|php|swift|scala|sh|sql)$/iu
const SECRET =
  /(?:api[_-]?key|secret|passw(?:or)?d|token)\w*["']?\s*[:=].{0,60}?["'](?=[^"'\s]{0,80}\d)[^"'\s]{8,}["']|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}|BEGIN [A-Z ]{0,20}PRIVATE KEY/iu
const ADDED = [
  ['possible secret', SECRET],
  [
    'query built from text',
    /\b(?:select|insert|update|delete)\b.{0,80}(?:["'`]\s*\+|\$\{)|\bf["'`](?:select|insert|update|delete)\b.{0,200}\{/iu,
  ],
  ['text run as code', /\b(?:eval|exec)\s*\(|new Function\s*\(|\bpickle\.loads?\b/u],
  ['shell started', /shell\s*[:=]\s*true|\bos\.system\(|\bexecSync\s*\(/iu],
  ['certificate check off', /verify\s*=\s*false|rejectUnauthorized\s*:\s*false|InsecureSkipVerify\s*:\s*true/iu],
  [
    'catches everything',
    /\bexcept(?:\s+(?:Base)?Exception)?\s*(?:as \w+\s*)?:|\bcatch\s*(?:\([^)]{0,80}\))?\s*\{\s*\}/u,
  ],
  ['shared default', /\bdef \w+\(.{0,200}=\s*(?:\[\]|\{\})/u],
  ['fixed wait', /\bsleep\(\s*\d/u],
  ['unfinished', /\b(?:TODO|FIXME|XXX|HACK)\b/u],
  ['checker silenced', /#\s*(?:noqa|type:\s*ignore)|eslint-disable|@ts-ignore|nolint/u],
  ['test skipped', /\.(?:skip|only)\(|@(?:pytest\.mark\.)?skip\b|@(?:Ignore|Disabled)\b/u],
]
const REMOVED = [['check removed', /^\s*(?:if\b|assert\b|throw\b|raise\b|guard\b)/u]]

async function readCall() {
  let text = ''
  if (!process.stdin.isTTY) for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  const call = text.trim() === '' ? { input: process.env.INPUT_DATA } : JSON.parse(text)
  return { parameters: call.parameters ?? JSON.parse(process.env.AGENT_PARAMETERS || '{}'), input: call.input }
}

function readPath(text) {
  const path = (text.split('\t')[0] ?? '').trim().replace(/^"(.*)"$/u, '$1')
  return path.replace(/^[ab]\//u, '')
}

/** Follows the hunk headers' own counts, so a removed line that begins with dashes is no file header. */
function readDiff(text) {
  const files = []
  const flags = []
  let file
  let from = ''
  let line = 0
  let oldLeft = 0
  let newLeft = 0
  const open = (path, status) => {
    file = { path, status, additions: 0, deletions: 0, test: TEST_PATH.test(path) }
    files.push(file)
  }
  const flag = (patterns, body) => {
    if (body.length > 1000) return
    for (const [kind, pattern] of patterns) {
      if (pattern.test(body))
        flags.push({ kind, place: `${file.path}:${line}`, line: maskSecrets(body.trim()).slice(0, 200) })
    }
  }
  for (const row of text.split(/\r?\n/u)) {
    if (oldLeft > 0 || newLeft > 0) {
      if (row.startsWith('+')) {
        newLeft -= 1
        file.additions += 1
        flag(ADDED, row.slice(1))
        line += 1
      } else if (row.startsWith('-')) {
        oldLeft -= 1
        file.deletions += 1
        flag(REMOVED, row.slice(1))
      } else if (!row.startsWith('\\')) {
        oldLeft -= 1
        newLeft -= 1
        line += 1
      }
      continue
    }
    const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/u.exec(row)
    if (hunk !== null) {
      if (file === undefined) throw new Error('the diff has a hunk before any file name')
      oldLeft = Number(hunk[1] ?? 1)
      line = Number(hunk[2])
      newLeft = Number(hunk[3] ?? 1)
    } else if (row.startsWith('--- ')) from = row.slice(4)
    else if (row.startsWith('+++ ')) {
      const to = row.slice(4)
      if (to.startsWith('/dev/null')) open(readPath(from), 'removed')
      else open(readPath(to), from.startsWith('/dev/null') ? 'added' : 'changed')
    } else if (row.startsWith('rename to ')) open(row.slice(10), 'renamed')
    else if (/^Binary files .* differ$/u.test(row)) open(readPath(/ and (.+) differ$/u.exec(row)?.[1] ?? '?'), 'binary')
  }
  return { files: mergeByPath(files), flags }
}

/** A renamed file that also changed is announced twice. */
function mergeByPath(files) {
  const merged = new Map()
  for (const file of files) {
    const known = merged.get(file.path)
    if (known === undefined) merged.set(file.path, file)
    else {
      known.additions += file.additions
      known.deletions += file.deletions
    }
  }
  return [...merged.values()]
}

function maskSecrets(text) {
  if (!SECRET.test(text)) return text
  return text.replace(/(["'])(?=[^"'\s]*\d)[^"'\s]{8,}\1|\b(?:AKIA|gh[pousr]_)\w{16,}/gu, '"…"')
}

function sum(files, key) {
  return files.reduce((total, file) => total + file[key], 0)
}

async function main() {
  try {
    const { parameters, input } = await readCall()
    const text = parameters.path === undefined ? input : await readFile(parameters.path, 'utf8')
    if (typeof text !== 'string' || text.trim() === '') throw new Error('there is no diff to measure')
    const { files, flags } = readDiff(text)
    if (files.length === 0) throw new Error('this is not a unified diff: no file header (--- and +++) was found')
    const size = (file) => file.additions + file.deletions
    const largest = files.reduce((a, b) => (size(b) > size(a) ? b : a))
    const tests = files.filter(({ test }) => test).length
    return {
      success: true,
      files_changed: files.length,
      additions: sum(files, 'additions'),
      deletions: sum(files, 'deletions'),
      test_files_changed: tests,
      code_without_tests: tests === 0 && files.some(({ path }) => CODE_PATH.test(path)),
      largest_file: largest.path,
      files,
      flags: flags.slice(0, FLAG_LIMIT),
      flags_left_out: Math.max(0, flags.length - FLAG_LIMIT),
    }
  } catch (error) {
    return { success: false, error: error.message }
  }
}

process.stdout.write(`${JSON.stringify(await main())}\n`)
