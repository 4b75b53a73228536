import type { CodeRules, CodeWish } from './code-wish.ts'
import type { CodeLanguage, SyntaxKind } from './syntax.ts'

export interface CodeFinding {
  readonly rule: string
  readonly wish: CodeWish | 'syntax'
  /** From 1. */
  readonly line: number
  readonly column: number
  /** The place, cut. */
  readonly text: string
}

/** `unscanned`: nothing here can read that language, so nothing is known; who demands rules refuses it. */
export interface CodeVerdict {
  readonly status: 'clean' | 'refused' | 'unscanned'
  readonly findings: readonly CodeFinding[]
  readonly missing?: string
}

export interface CodeToScan {
  readonly language: CodeLanguage
  readonly text: string
  /** Modules it may import; default: a few of the language's own that only compute. */
  readonly imports?: readonly string[]
}

/**
 * A look at code before it runs: early refusals that a person understands. It is no wall. Whoever wants to can write around any rule of syntax (names put
 * together while it runs, attributes of allowed modules), so what passes still runs in the sandbox that its permissions ask for.
 */
export async function scanCode(code: CodeToScan): Promise<CodeVerdict> {
  const { readSyntax } = await import('./syntax.ts')
  const root = await readSyntax(code.language, code.text)
  if ('missing' in root) return { status: 'unscanned', findings: [], missing: root.missing }
  const findings: CodeFinding[] = []
  const note = (rule: string, wish: CodeFinding['wish'], node: SyntaxKind): void => {
    findings.push({ rule, wish, line: node.line, column: node.column, text: node.text.slice(0, 80) })
  }
  const rules = await rulesOf(code.language)
  if (code.language === 'python') {
    const line = code.text.split('\n', 2).findIndex((each) => /^[ \t\f]*#.*?coding[:=]/.test(each))
    if (line >= 0) note('coding line', 'syntax', { ...root, line: line + 1, column: 1, text: 'coding' })
  }
  for (const node of walk(root)) {
    if (node.kind === 'ERROR') note('syntax', 'syntax', node)
    else rules(node, code.imports, (rule, wish) => note(rule, wish, node))
  }
  return { status: findings.length > 0 ? 'refused' : 'clean', findings }
}

const LANGUAGES: { readonly [extension: string]: CodeLanguage } = {
  '.py': 'python',
  '.sh': 'bash',
  '.bash': 'bash',
  '.js': 'javascript',
  '.mjs': 'javascript',
  '.cjs': 'javascript',
  '.ts': 'typescript',
}

/** Why code is not run where rules are demanded: it breaks them, or nothing here can read it. Undefined: it may. */
export async function refuseCode(text: string, extension: string): Promise<string | undefined> {
  const language = LANGUAGES[extension]
  if (!language) return `there are no rules for code in ${extension === '' ? 'a file without an extension' : extension}`
  const { status, findings, missing } = await scanCode({ language, text })
  if (status === 'unscanned') return `the rules for ${language} need the package ${missing}, which is not here`
  if (status === 'clean') return undefined
  const told = findings.slice(0, 5).map(({ rule, wish, line, column }) => `${line}:${column} ${rule} (${wish})`)
  const more = findings.length > told.length ? `, and ${findings.length - told.length} more` : ''
  return `the code breaks the rules: ${told.join(', ')}${more}`
}

async function rulesOf(language: CodeLanguage): Promise<CodeRules> {
  if (language === 'python') return (await import('./code-rules-python.ts')).pythonRules
  if (language === 'bash') return (await import('./code-rules-bash.ts')).bashRules
  return (await import('./code-rules-javascript.ts')).javascriptRules
}

function* walk(root: SyntaxKind): Generator<SyntaxKind> {
  const open = [root]
  for (let node = open.pop(); node; node = open.pop()) {
    yield node
    open.push(...node.children.toReversed())
  }
}
