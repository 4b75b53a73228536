import { createHash, hash, randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { OrcError } from '../events/errors.ts'
import { BUNDLE_LIMITS, type BundleTools } from './bundle.ts'
import { type Bundle, openBundle } from './bundle-reader.ts'

const CHUNK = 256 * 1024

/** SHA-256 of Node. */
export const nodeTools: BundleTools = {
  sha256: (text) => hash('sha256', text, 'hex'),
  startDigest: () => {
    const running = createHash('sha256')
    return { update: (bytes) => void running.update(bytes), hex: () => running.digest('hex') }
  },
}

/** Writes lines into a file that appears only when it is complete and on disk; readable by its owner alone. */
export async function writeBundleFile(path: string, lines: AsyncIterable<string>): Promise<{ readonly bytes: number }> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.part`
  const file = await open(draft, 'wx', 0o600).catch((error) => unusable(path, error))
  try {
    let bytes = 0
    let waiting: string[] = []
    let length = 0
    const write = async () => {
      bytes += (await file.write(waiting.join(''))).bytesWritten
      waiting = []
      length = 0
    }
    for await (const line of lines) {
      waiting.push(line)
      length += line.length
      if (length >= CHUNK) await write()
    }
    await write()
    await file.sync()
    await file.close()
    await rename(draft, path)
    return { bytes }
  } catch (error) {
    await file.close()
    await rm(draft, { force: true })
    throw error
  }
}

/** Opens and checks a bundle file; the caller closes it. Throws OrcError, also when it is no plain file. */
export async function openBundleFile(path: string): Promise<Bundle & { close(): Promise<void> }> {
  const file = await open(path, 'r').catch((error) => unusable(path, error))
  try {
    const about = await file.stat()
    if (!about.isFile())
      throw new OrcError({ code: 'file_unreadable', message: `${path} is not a plain file`, file: path })
    if (about.size > BUNDLE_LIMITS.bytes)
      throw new OrcError({ code: 'bundle_too_large', message: `${path} is larger than 256 MiB`, file: path })
    const bundle = await openBundle({ read: (from, to = about.size) => readRange(file, from, to) }, nodeTools)
    return { ...bundle, close: () => file.close() }
  } catch (error) {
    await file.close()
    throw error instanceof OrcError
      ? new OrcError(error.problems.map((problem) => ({ ...problem, file: path })))
      : error
  }
}

async function* readRange(file: FileHandle, from: number, to: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; ) {
    const buffer = new Uint8Array(Math.min(CHUNK, to - at))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}

function unusable(path: string, error: unknown): never {
  const { code = 'unknown' } = error as { code?: string }
  throw new OrcError({
    code: code === 'ENOENT' ? 'not_found' : 'file_unreadable',
    message: `${path} cannot be opened (${code})`,
    file: path,
  })
}
