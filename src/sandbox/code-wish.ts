import type { SyntaxKind } from './syntax.ts'

/** What code asks for, as far as its text tells. It can raise the tier that is needed, and never lowers it. */
export type CodeWish = 'network' | 'processes' | 'files' | 'code' | 'secrets'

/** Looks at one node of a syntax tree and says what it wishes. */
export type CodeRules = (
  node: SyntaxKind,
  imports: readonly string[] | undefined,
  say: (rule: string, wish: CodeWish | 'syntax') => void,
) => void
