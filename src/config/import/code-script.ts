import type { Json } from '../../events/values.ts'
import type { ImportedFile } from './imported.ts'

/** Where a script finds one argument: the keys from the top of `{input, steps: {NAME: {output}}}`, or a constant. */
export type Argument = { readonly from: readonly (string | number)[] } | { readonly value: Json }

export interface CodeDraft {
  /** `NAME/STEP` below the folder of imported scripts. */
  readonly name: string
  readonly language: 'python' | 'javascript'
  readonly code: string
  /** The function that is called with the arguments, by their names. */
  readonly entry: string
  readonly arguments: { readonly [name: string]: Argument }
  readonly origin: string
}

/** The reference that an agent's `script:` has to name, and the file. */
export function writeCode(draft: CodeDraft): { readonly reference: string; readonly file: ImportedFile } {
  const extension = draft.language === 'python' ? 'py' : 'mjs'
  const reference = `imported/${draft.name}.${extension}`
  const content = draft.language === 'python' ? writePython(draft) : writeJavaScript(draft)
  return { reference, file: { path: `scripts/${reference}`, content } }
}

// What a function of the other program was found to use, and nothing else: the standard library without files, processes and network.
const HARMLESS_MODULES = new Set(
  'json re math string typing datetime collections itertools functools random statistics textwrap unicodedata html decimal fractions hashlib base64 time enum dataclasses operator copy uuid __future__'.split(
    ' ',
  ),
)
const REACHING =
  /(?<![.\w])(open|exec|eval|compile|__import__|input|breakpoint|globals|getattr|setattr)\s*\(|\b(subprocess|os|sys)\./

/** The modules that Python text imports and that are more than arithmetic on texts; none when it may be taken over. */
export function findForeignPython(code: string): string[] {
  const found: string[] = []
  for (const line of code.split('\n')) {
    const imported = /^\s*(?:import\s+(.+)|from\s+([\w.]+)\s+import\b.*)$/.exec(line)
    if (!imported) continue
    const names = imported[2] === undefined ? (imported[1] ?? '').split(',') : [imported[2]]
    for (const name of names) {
      const module = name.trim().split(/[\s.]/)[0] ?? ''
      if (!HARMLESS_MODULES.has(module) && module !== 'promptflow') found.push(module)
    }
  }
  return [...new Set(found)]
}

/** Words by which code reaches beyond its arguments; the report names them. */
export function findReaching(code: string): string | undefined {
  const found = REACHING.exec(code)
  return found?.[1] ?? found?.[2]
}

function writePython({ code, entry, arguments: given, origin, name }: CodeDraft): string {
  return `# Primitive: imported/${name}
# Input: the answers of the steps it depends on
# Output: what the function ${entry} returns
# Imported from ${clean(origin)}; read it before you run it.

${code.trimEnd()}


def _call():
    import json
    import sys

    call = json.load(sys.stdin)

    def read(value):
        if isinstance(value, str):
            try:
                parsed = json.loads(value)
            except ValueError:
                return value
            return parsed if isinstance(parsed, dict) else value
        return value

    scope = {"input": read(call.get("input")), "steps": {}}
    for step, outcome in (call.get("dependencies") or {}).items():
        scope["steps"][step] = {"output": read(outcome.get("output"))}

    def find(argument):
        if "value" in argument:
            return argument["value"]
        value = scope
        for key in argument["from"]:
            if isinstance(value, dict):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
            else:
                return None
        return value

    arguments = json.loads(${JSON.stringify(JSON.stringify(given))})
    result = ${entry}(**{name: find(argument) for name, argument in arguments.items()})
    print(json.dumps(result, ensure_ascii=False))


_call()
`
}

function writeJavaScript({ code, entry, arguments: given, origin, name }: CodeDraft): string {
  return `// Primitive: imported/${name}
// Input: the answers of the steps it depends on
// Output: what the function ${entry} returns
// Imported from ${clean(origin)}; read it before you run it.

${code.trimEnd()}

{
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  const call = JSON.parse(text)
  const read = (value) => {
    if (typeof value !== 'string') return value
    try {
      const parsed = JSON.parse(value)
      return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : value
    } catch {
      return value
    }
  }
  const steps = Object.fromEntries(Object.entries(call.dependencies ?? {}).map(([step, { output }]) => [step, { output: read(output) }]))
  const scope = { input: read(call.input), steps }
  const find = (argument) =>
    'value' in argument ? argument.value : argument.from.reduce((value, key) => value?.[key], scope)
  const given = ${JSON.stringify(given)}
  const names = Object.fromEntries(Object.entries(given).map(([name, argument]) => [name, find(argument) ?? null]))
  // the parameters are named one by one, or taken out of one object
  const source = ${entry}.toString()
  const takesObject = /^(?:async\\s*)?(?:function\\s*\\w*\\s*)?\\(\\s*\\{/.test(source)
  const result = await (takesObject ? ${entry}(names) : ${entry}(...Object.values(names)))
  console.log(JSON.stringify(result ?? null))
}
`
}

function clean(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}
