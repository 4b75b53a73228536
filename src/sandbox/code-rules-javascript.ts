import type { CodeRules, CodeWish } from './code-wish.ts'

const COMPUTING = [
  'node:path',
  'node:util',
  'node:url',
  'node:querystring',
  'node:buffer',
  'node:assert',
  'node:assert/strict',
  'node:crypto',
]
const NAMES: { readonly [name: string]: CodeWish } = {
  eval: 'code',
  Function: 'code',
  require: 'code',
  module: 'code',
  globalThis: 'code',
  global: 'code',
  Reflect: 'code',
  Proxy: 'code',
  WebAssembly: 'code',
  process: 'processes',
  Worker: 'processes',
  fetch: 'network',
  WebSocket: 'network',
  EventSource: 'network',
  XMLHttpRequest: 'network',
}
const MEMBERS = new Set([
  'constructor',
  '__proto__',
  'prototype',
  'caller',
  'callee',
  '__defineGetter__',
  '__lookupGetter__',
  'getBuiltinModule',
])
const WISHES: readonly (readonly [RegExp, CodeWish])[] = [
  [/^(?:node:)?(?:net|tls|http2?|https|dgram|dns)(?:\/|$)/, 'network'],
  [/^(?:node:)?(?:child_process|cluster|worker_threads)$/, 'processes'],
  [/^(?:node:)?(?:fs|os)(?:\/|$)/, 'files'],
]
const IMPORTS = new Set(['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration', 'ImportExpression'])

export const javascriptRules: CodeRules = ({ kind, tree = {} }, imports = COMPUTING, say) => {
  const source = tree['source'] as { readonly value?: unknown } | null | undefined
  if (IMPORTS.has(kind) && source) {
    const module = typeof source.value === 'string' ? source.value : ''
    if (imports.includes(module)) return
    const [, wish = 'code'] = WISHES.find(([pattern]) => pattern.test(module)) ?? []
    say(module === '' ? 'import of what is known only while it runs' : `import of ${module}`, wish as CodeWish)
  }
  if (kind === 'Identifier') {
    const name = String(tree['name'])
    const wish = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
    if (wish) say(name, wish)
    if (MEMBERS.has(name)) say(name, 'code')
  }
  if (kind === 'Literal' && MEMBERS.has(String(tree['value']))) say(String(tree['value']), 'code')
  if (kind === 'MetaProperty') say('import.meta', 'code')
}
