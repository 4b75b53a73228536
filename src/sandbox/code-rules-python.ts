import type { CodeRules, CodeWish } from './code-wish.ts'

/** Modules that only compute. Each still carries others as attributes: a reason why rules are no wall. */
const COMPUTING = (
  'abc base64 binascii bisect calendar cmath collections copy csv dataclasses datetime decimal difflib enum fractions functools hashlib ' +
  'heapq hmac html itertools json math numbers pprint random re statistics string struct sys textwrap time typing unicodedata uuid zlib'
).split(' ')
const WISHES: readonly (readonly [RegExp, CodeWish])[] = [
  [
    /^(?:socket|ssl|http|urllib\d?|requests|httpx|aiohttp|ftplib|smtplib|telnetlib|xmlrpc|websockets?|paramiko|asyncio)$/,
    'network',
  ],
  [/^(?:subprocess|multiprocessing|pty|signal|concurrent|threading)$/, 'processes'],
  [/^(?:os|pathlib|shutil|tempfile|glob|io|fileinput|sqlite3|zipfile|tarfile)$/, 'files'],
]
const NAMES: { readonly [name: string]: CodeWish } = {
  eval: 'code',
  exec: 'code',
  compile: 'code',
  __import__: 'code',
  getattr: 'code',
  setattr: 'code',
  delattr: 'code',
  globals: 'code',
  locals: 'code',
  vars: 'code',
  breakpoint: 'code',
  open: 'files',
}
const HARMLESS = new Set([
  '__name__',
  '__main__',
  '__init__',
  '__doc__',
  '__str__',
  '__repr__',
  '__len__',
  '__eq__',
  '__hash__',
  '__iter__',
  '__post_init__',
])
const DUNDER = /__[a-z]\w*__/g

export const pythonRules: CodeRules = (node, imports = COMPUTING, say) => {
  if (node.kind === 'import_statement' || node.kind === 'import_from_statement') {
    const [from] = node.kind === 'import_from_statement' ? node.children.slice(1, 2) : []
    const named = from ? [from] : node.children.slice(1)
    for (const each of named) {
      const module = (each.kind === 'aliased_import' ? each.children[0] : each)?.text.normalize('NFKC') ?? ''
      if (!/^[.\w]+$/.test(module) || imports.includes(module)) continue
      const [, wish = 'code'] = WISHES.find(([pattern]) => pattern.test(module.split('.')[0] ?? '')) ?? []
      say(`import of ${module}`, wish as CodeWish)
    }
  }
  if (node.kind === 'wildcard_import') say('import of everything', 'code')
  if (node.kind === 'identifier') {
    // The interpreter reads full-width and other letters of the same meaning as the plain ones.
    const name = node.text.normalize('NFKC')
    const wish = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
    if (wish) say(name, wish)
  }
  if (node.kind === 'identifier' || node.kind === 'string_content')
    for (const [name] of node.text.normalize('NFKC').matchAll(DUNDER))
      if (!HARMLESS.has(name) && !Object.hasOwn(NAMES, name)) say(name, 'code')
}
