/** Reads diffs and code by simple lexical patterns. What it finds deserves a look; what it does not find proves nothing. */

export type Topic = 'correctness' | 'security' | 'upkeep'

export interface Finding {
  readonly topic: Topic
  readonly what: string
  /** `path:line` in the new file for a diff, `line N` for plain code. */
  readonly where: string
  readonly text: string
}

export interface ChangedFile {
  readonly path: string
  readonly added: number
  readonly removed: number
}

export interface CodeReading {
  /** Empty for plain code. */
  readonly files: readonly ChangedFile[]
  readonly lines: number
  readonly findings: readonly Finding[]
}

/** A literal with a digit in it, given to a name that promises a secret, or a well-known form of one. */
const SECRET =
  /(?:api[_-]?key|secret|passw(?:or)?d|token)\w*["']?\s*[:=].{0,60}?["'](?=[^"'\s]{0,80}\d)[^"'\s]{8,}["']|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}|\bsk-[\w-]{20,}|BEGIN [A-Z ]{0,20}PRIVATE KEY/iu

const PATTERNS: readonly { readonly topic: Topic; readonly what: string; readonly shown: RegExp }[] = [
  {
    topic: 'security',
    what: 'looks like a secret in the source',
    shown: SECRET,
  },
  {
    topic: 'security',
    what: 'runs text as code',
    shown: /\b(?:eval|exec)\s*\(|new Function\s*\(|\bpickle\.loads?\b|\byaml\.load\(/u,
  },
  { topic: 'security', what: 'starts a shell', shown: /shell\s*[:=]\s*true|\bos\.system\(|\bexecSync\s*\(/iu },
  {
    topic: 'security',
    what: 'builds a query from text',
    shown:
      /\b(?:select|insert|update|delete)\b.{0,80}(?:["'`]\s*\+|\$\{|%s["'`]\s*%|\bf["'].*\{)|f["'`](?:select|insert|update|delete)\b.*\{/iu,
  },
  {
    topic: 'security',
    what: 'switches a check of certificates off',
    shown: /verify\s*=\s*false|rejectUnauthorized\s*:\s*false|InsecureSkipVerify\s*:\s*true/iu,
  },
  { topic: 'security', what: 'uses a weak digest', shown: /\b(?:md5|sha1)\b\s*\(|createHash\(["'](?:md5|sha1)/iu },
  { topic: 'security', what: 'writes markup unescaped', shown: /\.innerHTML\s*=|dangerouslySetInnerHTML/u },
  {
    topic: 'correctness',
    what: 'catches everything',
    shown: /\bexcept(?:\s+(?:Base)?Exception)?\s*(?:as \w+\s*)?:|\bcatch\s*(?:\([^)]*\))?\s*\{\s*\}/u,
  },
  { topic: 'correctness', what: 'waits a fixed time', shown: /\b(?:time\.)?sleep\(\s*\d|Thread\.sleep\(/u },
  { topic: 'correctness', what: 'has no upper bound', shown: /\bwhile\s*\(?\s*(?:true|1)\b/iu },
  {
    topic: 'correctness',
    what: 'computes money in floating point',
    shown: /\b(?:float|parseFloat|Number)\(\s*\w*(?:amount|price|total|cost)/iu,
  },
  { topic: 'correctness', what: 'default that is shared between calls', shown: /\bdef \w+\(.*=\s*(?:\[\]|\{\})/u },
  { topic: 'upkeep', what: 'unfinished', shown: /\b(?:TODO|FIXME|XXX|HACK)\b/u },
  { topic: 'upkeep', what: 'left from debugging', shown: /\bconsole\.log\(|\bprint\(|\bdebugger\b|\bvar_dump\(/u },
  {
    topic: 'upkeep',
    what: 'silences a checker',
    shown: /#\s*(?:noqa|type:\s*ignore)|eslint-disable|@ts-ignore|nolint/u,
  },
  {
    topic: 'upkeep',
    what: 'skips a test',
    shown: /\.(?:skip|only)\(|@(?:pytest\.mark\.)?skip\b|@(?:Ignore|Disabled)\b/u,
  },
]
const GUARD = /^\s*(?:if\b|assert\b|throw\b|raise\b|guard\b)/u
const TEST_PATH = /(?:^|[/_.-])(?:tests?|specs?|__tests__)(?:[/_.-]|$)/iu
const CODE_LINE =
  /[;{}]\s*$|^\s*(?:import|from|def|class|function|const|let|var|return|if|for|while|public|private|fn|func|#include)\b.*[:({;'"]/u

export function looksLikeDiff(text: string): boolean {
  return /^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@/mu.test(text) && /^\+\+\+ /mu.test(text)
}

export function looksLikeCode(text: string): boolean {
  const lines = text
    .slice(0, 20_000)
    .split('\n')
    .filter((line) => line.trim() !== '')
  return lines.length >= 3 && lines.filter((line) => CODE_LINE.test(line)).length / lines.length > 0.4
}

export function isTestPath(path: string): boolean {
  return TEST_PATH.test(path)
}

/** Reads a unified diff; text around it (a message, another file format) is passed over. */
export function readDiff(text: string): CodeReading {
  const files: { path: string; added: number; removed: number }[] = []
  const findings: Finding[] = []
  let file: { path: string; added: number; removed: number } | undefined
  let oldPath = ''
  let line = 0
  let oldLeft = 0
  let newLeft = 0
  for (const row of text.split(/\r?\n/u)) {
    if (oldLeft > 0 || newLeft > 0) {
      const body = row.slice(1)
      if (row.startsWith('+')) {
        newLeft -= 1
        if (file) file.added += 1
        findings.push(...flagLine(body, `${file?.path ?? '?'}:${line}`))
        line += 1
      } else if (row.startsWith('-')) {
        oldLeft -= 1
        if (file) file.removed += 1
        if (GUARD.test(body)) {
          findings.push({
            topic: 'correctness',
            what: 'removes a check',
            where: `${file?.path ?? '?'}:${line}`,
            text: body.trim(),
          })
        }
      } else if (!row.startsWith('\\')) {
        oldLeft -= 1
        newLeft -= 1
        line += 1
      }
      continue
    }
    const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/u.exec(row)
    if (hunk !== null) {
      oldLeft = Number(hunk[1] ?? 1)
      line = Number(hunk[2])
      newLeft = Number(hunk[3] ?? 1)
    } else if (row.startsWith('--- ')) oldPath = readPath(row)
    else if (row.startsWith('+++ ')) {
      const path = readPath(row)
      file = { path: path === '/dev/null' ? oldPath : path, added: 0, removed: 0 }
      files.push(file)
    }
  }
  return { files, lines: files.reduce((sum, { added, removed }) => sum + added + removed, 0), findings }
}

export function readCode(text: string): CodeReading {
  const lines = text.split(/\r?\n/u)
  return { files: [], lines: lines.length, findings: lines.flatMap((line, at) => flagLine(line, `line ${at + 1}`)) }
}

/** A quoted line must not carry a secret further than it already went: the literals of a line that shows one are left out. */
export function maskSecrets(text: string): string {
  if (!SECRET.test(text)) return text
  return text.replace(/(["'])(?=[^"'\s]*\d)[^"'\s]{8,}\1|\b(?:AKIA|gh[pousr]_|sk-)[\w-]{16,}/gu, '"…"')
}

function flagLine(line: string, where: string): Finding[] {
  // Minified or generated lines: a pattern there says nothing, and long lines are slow to search.
  if (line.length > 1000) return []
  return PATTERNS.filter(({ shown }) => shown.test(line)).map(({ topic, what }) => ({
    topic,
    what,
    where,
    text: maskSecrets(line.trim()),
  }))
}

function readPath(row: string): string {
  const path = (row.slice(4).split('\t')[0] ?? '').trim()
  return path.replace(/^[ab]\//u, '')
}
