// Primitive: file-ops/read_file
// Input: path ("input.txt", relative to the working folder), encoding ("utf-8")
// Output: success, content, path, size (characters); on error success false, error, path
// Depends: Node 20 or newer, nothing else
// Safety: pure

import { readFile } from 'node:fs/promises'

async function readCall() {
  let text = ''
  if (!process.stdin.isTTY) for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  const call = text.trim() === '' ? {} : JSON.parse(text)
  return { parameters: call.parameters ?? JSON.parse(process.env.AGENT_PARAMETERS || '{}'), input: call.input }
}

function decode(bytes, encoding) {
  const name = encoding.toLowerCase().replace(/[_ ]/g, '-')
  if (['latin-1', 'latin1', 'iso-8859-1'].includes(name)) return bytes.toString('latin1')
  if (name === 'ascii' && bytes.some((byte) => byte > 127)) throw new Error('the file is not ascii text')
  const label = { ascii: 'utf-8', 'utf-8-sig': 'utf-8' }[name] ?? name
  try {
    return new TextDecoder(label, { fatal: true, ignoreBOM: name !== 'utf-8-sig' }).decode(bytes)
  } catch (error) {
    throw new Error(error instanceof RangeError ? `unknown encoding: ${encoding}` : `the file is not ${encoding} text`)
  }
}

function explain(error, path) {
  if (error.code === 'ENOENT') return `there is no such file: ${path}`
  if (error.code === 'EISDIR') return `this is a folder, not a file: ${path}`
  if (error.code === 'EACCES' || error.code === 'EPERM') return `this file may not be read: ${path}`
  return error.message
}

async function main() {
  let path = null
  try {
    const { parameters } = await readCall()
    path = parameters.path ?? 'input.txt'
    if (typeof path !== 'string' || path === '') throw new Error('path must be a text that is not empty')
    const content = decode(await readFile(path), String(parameters.encoding ?? 'utf-8'))
    return { success: true, content, path, size: [...content].length }
  } catch (error) {
    return { success: false, error: explain(error, path), path }
  }
}

process.stdout.write(`${JSON.stringify(await main())}\n`)
