export type CodeLanguage = 'python' | 'bash' | 'javascript' | 'typescript'

/** One node of a syntax tree, whichever parser made it. */
export interface SyntaxKind {
  readonly kind: string
  readonly text: string
  /** From 1. */
  readonly line: number
  readonly column: number
  readonly children: readonly SyntaxKind[]
  /** JavaScript: the node as ESTree has it. */
  readonly tree?: { readonly [key: string]: unknown }
}

interface GrepNode {
  kind(): string | number
  text(): string
  isNamed(): boolean
  children(): GrepNode[]
  range(): { readonly start: { readonly line: number; readonly column: number } }
}

/** A tree, or which optional package is missing. */
export async function readSyntax(
  language: CodeLanguage,
  text: string,
): Promise<SyntaxKind | { readonly missing: string }> {
  if (language === 'python' || language === 'bash') return readWithGrep(language, text)
  return readWithOxc(language, text)
}

let registered: Promise<typeof import('@ast-grep/napi') | undefined> | undefined

async function readWithGrep(language: 'python' | 'bash', text: string) {
  registered ??= loadGrep().catch(() => undefined)
  const grep = await registered
  return grep ? describe(grep.parse(language, text).root() as GrepNode) : { missing: '@ast-grep/napi' }
}

/** Languages can be registered once in a process. */
async function loadGrep() {
  const [grep, python, bash] = await Promise.all([
    import('@ast-grep/napi'),
    import('@ast-grep/lang-python'),
    import('@ast-grep/lang-bash'),
  ])
  grep.registerDynamicLanguage({ python: python.default, bash: bash.default })
  return grep
}

function describe(node: GrepNode): SyntaxKind {
  const { line, column } = node.range().start
  const text = node.text()
  // A mark that the parser had to think up has no text: something is missing there.
  const invented = text === '' && !node.isNamed()
  return {
    kind: invented ? 'ERROR' : String(node.kind()),
    text,
    line: line + 1,
    column: column + 1,
    children: node.children().map(describe),
  }
}

async function readWithOxc(language: 'javascript' | 'typescript', text: string) {
  const oxc = await import('oxc-parser').catch(() => undefined)
  if (!oxc) return { missing: 'oxc-parser' }
  const { program, errors } = await oxc.parse(language === 'typescript' ? 'code.ts' : 'code.mjs', text)
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  const root = convert(program as unknown as Tree, { text, starts })
  const broken = errors.some(({ severity }) => severity === 'Error')
  return broken ? { ...root, kind: 'ERROR', children: [] } : root
}

type Tree = { readonly [key: string]: unknown }

function convert(tree: Tree, source: { readonly text: string; readonly starts: readonly number[] }): SyntaxKind {
  const start = Number(tree['start'] ?? 0)
  const line = source.starts.findLastIndex((each) => each <= start)
  return {
    kind: String(tree['type']),
    text: source.text.slice(start, Number(tree['end'] ?? start)),
    line: line + 1,
    column: start - (source.starts[line] ?? 0) + 1,
    children: Object.values(tree)
      .flat()
      .filter(isTree)
      .map((child) => convert(child, source)),
    tree,
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && typeof (value as Tree)['type'] === 'string'
}
