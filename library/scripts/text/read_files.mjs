// Primitive: text/read_files
// Input: files or patterns, one a line (`notes/*.md`), a folder, or {files, ...}; `library:` stands for the shipped documents;
//        parameters most (50 files), characters (200000 of each file)
// Output: success, data: list of {path, text}, left_out: list of {path, why}
// Depends: Node 22 or newer
// Safety: pure

import { glob, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'

const documents = join(import.meta.dirname, '..', '..', 'documents')
const HIDDEN = /(^|[\\/])(\.[^.\\/]|node_modules[\\/])/u

async function readCall() {
  let text = ''
  if (!process.stdin.isTTY) for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  const call = text.trim() === '' ? { input: process.env.INPUT_DATA } : JSON.parse(text)
  return { input: call.input ?? '', parameters: call.parameters ?? JSON.parse(process.env.AGENT_PARAMETERS || '{}') }
}

/** One pattern a line; a text that is a JSON object names them under `files`. */
function listPatterns(input) {
  let given = input
  if (typeof input === 'string' && input.trim().startsWith('{')) given = JSON.parse(input)
  const files = typeof given === 'object' && given !== null && !Array.isArray(given) ? given.files : given
  return (Array.isArray(files) ? files : String(files ?? '').split('\n')).map((line) => String(line).trim()).filter(Boolean)
}

async function isFolder(path) {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  )
}

/** Paths in the order of the patterns, within a pattern by name. What a pattern does not name itself stays out: hidden files, packages. */
async function findPaths(pattern) {
  const [root, rest] = pattern.startsWith('library:') ? [documents, pattern.slice('library:'.length)] : ['.', pattern]
  const whole = join(root, rest)
  const wanted = (await isFolder(whole)) ? join(whole, '**', '*') : whole
  const found = []
  for await (const path of glob(wanted)) {
    if (HIDDEN.test(path) && !HIDDEN.test(pattern) && root === '.') continue
    if (!(await isFolder(path))) found.push(path)
  }
  const named = (path) => (root === '.' ? path : `library:${relative(root, path)}`)
  return found.sort().map((path) => ({ path, name: named(path) }))
}

try {
  const { input, parameters } = await readCall()
  const { most = 50, characters = 200_000 } = parameters
  const patterns = listPatterns(input)
  const data = []
  const left_out = []
  const seen = new Set()
  for (const pattern of patterns) {
    const paths = await findPaths(pattern)
    if (paths.length === 0) left_out.push({ path: pattern, why: 'no such file' })
    for (const { path, name } of paths) {
      if (seen.has(path)) continue
      seen.add(path)
      const bytes = await readFile(path).catch(() => undefined)
      if (bytes === undefined) left_out.push({ path: name, why: 'cannot be read' })
      else if (bytes.includes(0)) left_out.push({ path: name, why: 'is not text' })
      else if (data.length >= most) left_out.push({ path: name, why: `more than ${most} files` })
      else data.push({ path: name, text: bytes.toString('utf8').slice(0, characters).toWellFormed() })
    }
  }
  if (data.length === 0) throw new Error(`there is nothing to read in ${patterns.join(', ') || 'an empty list'}`)
  console.log(JSON.stringify({ success: true, data, left_out }))
} catch (error) {
  console.log(JSON.stringify({ success: false, error: error.message }))
}
