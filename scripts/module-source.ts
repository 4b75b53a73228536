import { parseSync, Visitor } from 'rolldown/utils'

/** What one module says about others, and what it reaches for without an import. */
export interface ModuleSource {
  readonly imports: readonly Import[]
  /** Names and members used that could be globals: `process`, `Date.now`, `new Date()`. */
  readonly reaches: readonly Mention[]
  readonly classes: readonly Mention[]
  readonly hasDefaultExport: boolean
  /** Lines with a `// rooms: allow REASON` comment, and the lines right below them. */
  readonly allowed: ReadonlySet<number>
  readonly lines: number
}

export interface Import {
  readonly from: string
  readonly line: number
  /** Names taken as values; `*` for the whole module. Empty when only types are taken. */
  readonly values: readonly string[]
  readonly isLazy: boolean
  readonly isReexport: boolean
}

export interface Mention {
  readonly name: string
  readonly line: number
}

/** Reads a TypeScript module; throws when it cannot be parsed. */
export function readModule(file: string, text: string): ModuleSource {
  const { program, module, comments, errors } = parseSync(file, text, { lang: file.endsWith('.d.ts') ? 'dts' : 'ts' })
  if (errors[0]) throw new Error(`${file}: ${errors[0].message}`)
  const lineOf = createLineFinder(text)

  const imports: Import[] = []
  for (const { start, moduleRequest, entries } of module.staticImports) {
    const values = entries.filter((entry) => !entry.isType).map((entry) => entry.importName.name ?? '*')
    const isBare = entries.length === 0 && !/^import\s+type\b/.test(text.slice(start))
    imports.push(describeImport(moduleRequest.value, start, isBare ? ['*'] : values))
  }
  for (const { start, entries } of module.staticExports) {
    const from = entries.find((entry) => entry.moduleRequest)?.moduleRequest?.value
    if (from === undefined) continue
    const values = entries.filter((entry) => !entry.isType).map((entry) => entry.importName.name ?? '*')
    imports.push({ ...describeImport(from, start, values), isReexport: true })
  }

  const reaches: Mention[] = []
  const classes: Mention[] = []
  const keys = new Set<unknown>()
  const visitor = new Visitor({
    ImportExpression({ start, source }) {
      if (source.type !== 'Literal' || typeof source.value !== 'string') return
      imports.push({ ...describeImport(source.value, start, ['*']), isLazy: true })
    },
    TSImportType({ start, source }) {
      imports.push(describeImport(source.value, start, []))
    },
    MemberExpression({ start, object, property, computed }) {
      if (computed) return
      keys.add(property)
      if (object.type === 'Identifier') reaches.push({ name: `${object.name}.${property.name}`, line: lineOf(start) })
      if (object.type === 'MetaProperty') reaches.push({ name: `import.meta.${property.name}`, line: lineOf(start) })
    },
    NewExpression({ start, callee, arguments: given }) {
      if (callee.type === 'Identifier' && given.length === 0) {
        reaches.push({ name: `new ${callee.name}()`, line: lineOf(start) })
      }
    },
    Property: rememberKey,
    PropertyDefinition: rememberKey,
    MethodDefinition: rememberKey,
    TSPropertySignature: rememberKey,
    TSMethodSignature: rememberKey,
    TSQualifiedName: ({ right }) => void keys.add(right),
    Identifier(node) {
      if (!keys.has(node)) reaches.push({ name: node.name, line: lineOf(node.start) })
    },
    ClassDeclaration: ({ id }) => void (id && classes.push({ name: id.name, line: lineOf(id.start) })),
  })
  visitor.visit(program)

  return {
    imports,
    reaches,
    classes,
    hasDefaultExport: module.staticExports.some(({ entries }) =>
      entries.some((entry) => entry.exportName.kind === 'Default' || entry.exportName.name === 'default'),
    ),
    allowed: new Set(
      comments
        .filter(({ value }) => /^\s*rooms: allow \S/.test(value))
        .flatMap(({ start }) => [lineOf(start), lineOf(start) + 1]),
    ),
    lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
  }

  function describeImport(from: string, start: number, values: readonly string[]): Import {
    return { from, line: lineOf(start), values, isLazy: false, isReexport: false }
  }

  /** A key names a property, it does not reach for anything; a shorthand (`{ process }`) does. */
  function rememberKey(node: { key: unknown; computed?: boolean; shorthand?: boolean }): void {
    if (!node.computed && !node.shorthand) keys.add(node.key)
  }
}

function createLineFinder(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    const next = starts.findIndex((start) => start > offset)
    return next < 0 ? starts.length : next
  }
}
