// Primitive: file-ops/write_file
// Input: path ("output.txt", relative to the working folder), content (text; data is written as JSON), encoding ("utf-8")
// Output: success, path, size (characters), bytes_written; on error success false, error, path
// Depends: Node 20 or newer, nothing else
// Safety: idempotent

import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

const ENCODINGS = {
  'utf-8': 'utf8',
  utf8: 'utf8',
  'utf-16le': 'utf16le',
  'utf-16-le': 'utf16le',
  'latin-1': 'latin1',
  latin1: 'latin1',
  'iso-8859-1': 'latin1',
  ascii: 'ascii',
}
const HIGHEST = { latin1: 255, ascii: 127 }

async function readCall() {
  let text = ''
  if (!process.stdin.isTTY) for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  const call = text.trim() === '' ? {} : JSON.parse(text)
  return { parameters: call.parameters ?? JSON.parse(process.env.AGENT_PARAMETERS || '{}'), input: call.input }
}

function encode(content, encoding) {
  const name = ENCODINGS[encoding.toLowerCase().replace(/[_ ]/g, '-')]
  if (name === undefined) throw new Error(`unknown encoding: ${encoding}`)
  const highest = HIGHEST[name] ?? 0x10ffff
  const foreign = [...content].find((letter) => letter.codePointAt(0) > highest)
  if (foreign !== undefined) throw new Error(`${encoding} has no ${JSON.stringify(foreign)}`)
  return Buffer.from(content, name)
}

function explain(error, path) {
  if (error.code === 'EISDIR') return `this is a folder, not a file: ${path}`
  if (error.code === 'ENOTDIR' || error.code === 'EEXIST') return `a part of this path is a file, not a folder: ${path}`
  if (error.code === 'EACCES' || error.code === 'EPERM' || error.code === 'EROFS')
    return `this file may not be written: ${path}`
  return error.message
}

async function main() {
  let path = null
  try {
    const { parameters } = await readCall()
    path = parameters.path ?? 'output.txt'
    if (typeof path !== 'string' || path === '') throw new Error('path must be a text that is not empty')
    const given = parameters.content ?? ''
    const content = typeof given === 'string' ? given : JSON.stringify(given, null, 2)
    const bytes = encode(content, String(parameters.encoding ?? 'utf-8'))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bytes)
    return { success: true, path, size: [...content].length, bytes_written: bytes.length }
  } catch (error) {
    return { success: false, error: explain(error, path), path }
  }
}

process.stdout.write(`${JSON.stringify(await main())}\n`)
