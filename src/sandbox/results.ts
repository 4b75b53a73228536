import { constants } from 'node:fs'
import { type FileHandle, open, readdir } from 'node:fs/promises'

export interface ResultLimits {
  readonly files: number
  /** Of one file. */
  readonly file_bytes: number
  readonly total_bytes: number
  readonly depth: number
}

const MIB = 1024 * 1024
export const USUAL_RESULTS: ResultLimits = { files: 1000, file_bytes: 16 * MIB, total_bytes: 64 * MIB, depth: 16 }

export interface Results {
  readonly files: readonly { readonly path: string; readonly bytes: Buffer }[]
  /** What was left there and is not taken, each with the reason. */
  readonly refused: readonly { readonly path: string; readonly reason: string }[]
}

// Numbers of Linux, which Node does not name.
const O_PATH = 0o10000000
const { O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY, O_RDONLY } = constants

/**
 * What a program left in a folder. Nothing is believed: links are not followed (folders are walked by descriptor, so none can be
 * exchanged for a link on the way), pipes and devices are not opened, files with a second name elsewhere are not read, sizes are capped.
 */
export async function collectResults(folder: string, limits: ResultLimits = USUAL_RESULTS): Promise<Results> {
  const files: { path: string; bytes: Buffer }[] = []
  const refused: { path: string; reason: string }[] = []
  let left = limits.total_bytes
  const root = await open(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW)
  try {
    await walk(root, '', 0)
  } finally {
    await root.close()
  }
  return { files, refused }

  async function walk(at: FileHandle, path: string, depth: number): Promise<void> {
    const entries = await readdir(`/proc/self/fd/${at.fd}`, { withFileTypes: true })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const inner = path === '' ? entry.name : `${path}/${entry.name}`
      const reason = await take(`/proc/self/fd/${at.fd}/${entry.name}`, inner, depth).catch(
        (error: NodeJS.ErrnoException) => REASONS[error.code ?? ''] ?? 'cannot be read',
      )
      if (reason !== undefined) refused.push({ path: inner, reason })
      if (refused.length > limits.files) return
    }
  }

  async function take(place: string, path: string, depth: number): Promise<string | undefined> {
    const seen = await open(place, O_PATH | O_NOFOLLOW)
    try {
      const info = await seen.stat()
      if (info.isDirectory()) {
        if (depth >= limits.depth) return 'too deep'
        return void (await walk(seen, path, depth + 1))
      }
      if (info.isSymbolicLink()) return 'is a link'
      if (!info.isFile()) return 'is no regular file'
      if (info.nlink !== 1) return 'has another name elsewhere'
      if (info.size > limits.file_bytes) return `is larger than ${limits.file_bytes} bytes`
      if (info.size > left) return 'is more than may be taken together'
      if (files.length >= limits.files) return 'is one file too many'
      // The very file that was looked at, whatever its name means by now.
      const file = await open(`/proc/self/fd/${seen.fd}`, O_RDONLY | O_NONBLOCK)
      try {
        const bytes = Buffer.alloc(info.size)
        const { bytesRead } = await file.read(bytes, 0, info.size, 0)
        files.push({ path, bytes: bytes.subarray(0, bytesRead) })
        left -= bytesRead
        return undefined
      } finally {
        await file.close()
      }
    } finally {
      await seen.close()
    }
  }
}

const REASONS: { readonly [code: string]: string } = {
  ELOOP: 'is a link',
  ENOENT: 'is gone',
  EACCES: 'may not be read',
}
