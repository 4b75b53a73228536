/**
 * Runs one function of a module as if it were a script: JSON on standard input, `{success, data, error}` on standard output. Foreign code
 * never runs in our own process; what it prints goes to standard error.
 */
const CODE = `
import { Console } from 'node:console'
import { pathToFileURL } from 'node:url'
const print = process.stdout.write.bind(process.stdout)
process.stdout.write = process.stderr.write.bind(process.stderr)
globalThis.console = new Console(process.stderr)
const [path, name] = process.argv.slice(1)
const answer = async () => {
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  const module = await import(pathToFileURL(path).href)
  if (typeof module[name] !== 'function') throw new Error('the module exports no function ' + name)
  const data = await module[name](JSON.parse(text))
  return { success: true, data: data === undefined ? null : data }
}
const result = await answer().catch((error) => ({ success: false, error: String((error && error.message) || error) }))
print(JSON.stringify(result) + '\\n', () => process.exit(0))
`

/** The words after the program `node`. */
export function moduleWords(path: string, name: string): readonly string[] {
  return ['--input-type=module', '--disable-warning=ExperimentalWarning', '--eval', CODE, '--', path, name]
}
