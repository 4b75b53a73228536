import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { OrcError } from '../events/errors.ts'

/** One access key as it is kept: whoever reads the file cannot use it. */
export interface KeyRecord {
  /** Names the key in lists and in the key itself; no secret. */
  readonly id: string
  /** Whose it is. During a rotation two keys have one name. */
  readonly name: string
  /** SHA-256 of the whole key, hex. A key is 256 bits of chance, so there is nothing to guess that a slow hash would slow down. */
  readonly hash: string
  readonly scopes: readonly string[]
  readonly requests_per_minute?: number
  readonly concurrent?: number
  /** ms UTC. */
  readonly created: number
  readonly expires?: number
  readonly revoked?: number
}

export type KeyStatus = 'live' | 'expired' | 'revoked'

const KEY = /^orc_([\da-f]{16})_[\w-]{43}$/
const LOOK_EVERY_MS = 250

export function statusOfKey({ revoked, expires }: KeyRecord, now: number): KeyStatus {
  if (revoked !== undefined) return 'revoked'
  return expires !== undefined && expires <= now ? 'expired' : 'live'
}

/** A new key, which is shown once, and what is kept of it. */
export function makeKey(about: Omit<KeyRecord, 'id' | 'hash'>): { readonly key: string; readonly record: KeyRecord } {
  const id = randomBytes(8).toString('hex')
  const key = `orc_${id}_${randomBytes(32).toString('base64url')}`
  return { key, record: { id, ...about, hash: digest(key).toString('hex') } }
}

/** Whether it has the form of a key; a token never has. */
export function isKey(text: string): boolean {
  return KEY.test(text)
}

/** Makes a change of a file while nobody else changes it. */
export type InTurn = <T>(file: string, change: () => Promise<T>) => Promise<T>

/**
 * The access keys of this user, in one file that only the user may read. What another process changes is seen within half a second. A file
 * that is there and cannot be read is never taken for an empty one: throws OrcError `keys_unreadable`.
 */
export class KeyRing {
  readonly #file: string
  readonly #inTurn: InTurn
  #records: readonly KeyRecord[] = []
  #print = ''
  #looked = -Infinity

  constructor(file: string, inTurn: InTurn) {
    this.#file = file
    this.#inTurn = inTurn
  }

  async list(): Promise<readonly KeyRecord[]> {
    if (performance.now() - this.#looked < LOOK_EVERY_MS) return this.#records
    const print = await this.#look()
    if (print !== this.#print) {
      this.#records = print === 'none' ? [] : await readKeys(this.#file)
      this.#print = print
    }
    this.#looked = performance.now()
    return this.#records
  }

  /** The key that the text is. Takes the same time for all that are wrong. */
  async find(text: string): Promise<KeyRecord | undefined> {
    const id = KEY.exec(text)?.[1]
    const record = (await this.list()).find((each) => each.id === id)
    const same = timingSafeEqual(digest(text), Buffer.from(record?.hash ?? '0'.repeat(64), 'hex'))
    return record && same ? record : undefined
  }

  /** Changes the keys in turn with other processes, so that no change is lost. */
  async change<T>(
    edit: (records: readonly KeyRecord[]) => { readonly records: readonly KeyRecord[]; readonly result: T },
  ): Promise<T> {
    await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 })
    return this.#inTurn(this.#file, async () => {
      const now = (await this.#look()) === 'none' ? [] : await readKeys(this.#file)
      const { records, result } = edit(now)
      const draft = `${this.#file}.${randomBytes(6).toString('hex')}.tmp`
      await writeFile(draft, `${JSON.stringify({ version: 1, keys: records }, null, 2)}\n`, {
        mode: 0o600,
        flag: 'wx',
        flush: true,
      })
      await rename(draft, this.#file)
      this.#looked = -Infinity
      return result
    })
  }

  async #look(): Promise<string> {
    try {
      const { mtimeMs, size, ino } = await stat(this.#file)
      return `${mtimeMs} ${size} ${ino}`
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none'
      throw unreadable(this.#file)
    }
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

async function readKeys(file: string): Promise<readonly KeyRecord[]> {
  try {
    const { version, keys } = JSON.parse(await readFile(file, 'utf8')) as { version?: unknown; keys?: unknown }
    if (version === 1 && Array.isArray(keys) && keys.every(isRecord)) return keys
  } catch {
    // told below
  }
  throw unreadable(file)
}

function isRecord(each: unknown): each is KeyRecord {
  const { id, name, hash, scopes, created, expires, revoked } = (each ?? {}) as Partial<KeyRecord>
  const times = [created, expires ?? 0, revoked ?? 0]
  const texts = [id, name, hash, ...(Array.isArray(scopes) ? scopes : [undefined])]
  return (
    texts.every((text) => typeof text === 'string') &&
    times.every((time) => Number.isFinite(time)) &&
    /^[\da-f]{64}$/.test(hash ?? '')
  )
}

function unreadable(file: string): OrcError {
  const hint = 'Nobody is let in until it is mended. Put a copy back, or remove it and create keys anew.'
  return new OrcError({ code: 'keys_unreadable', message: 'the file of the access keys cannot be read', hint, file })
}
