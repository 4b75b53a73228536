import { chmod, chown, lstat, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findClosed, type Identity } from './identity.ts'

/** The folder on this side of the wall that belongs to one run: what is bound into the sandbox, and what comes out of it. */
export class Cell {
  readonly root: string
  readonly #owner: Identity | undefined

  private constructor(root: string, owner: Identity | undefined) {
    this.root = root
    this.#owner = owner
  }

  /** The name cannot be guessed; that others may pass through it is needed when the program is somebody else's. */
  static async make(owner: Identity | undefined): Promise<Cell> {
    const root = await mkdtemp(join(await findPlace(owner), 'llm-orc-cell-'))
    if (owner) await chmod(root, 0o711)
    return new Cell(root, owner)
  }

  path(name: string): string {
    return join(this.root, name)
  }

  /** A file the program may read and not change. */
  async write(name: string, content: string | Buffer): Promise<string> {
    await writeFile(this.path(name), content, { mode: 0o644, flag: 'wx' })
    return this.path(name)
  }

  /** A folder of the program's own. */
  async makeFolder(name: string): Promise<string> {
    await mkdir(this.path(name), { mode: 0o700 })
    await this.give(name)
    return this.path(name)
  }

  /** A folder of ours that the program's user may pass. */
  async makePlace(name: string): Promise<string> {
    await mkdir(this.path(name), { mode: 0o755 })
    return this.path(name)
  }

  async give(name: string): Promise<void> {
    if (this.#owner) await chown(this.path(name), this.#owner.uid, this.#owner.gid)
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true }).catch(async () => {
      await openFolders(this.root)
      await rm(this.root, { recursive: true, force: true })
    })
  }
}

async function findPlace(who: Identity | undefined): Promise<string> {
  for (const candidate of [tmpdir(), '/tmp', '/var/tmp']) {
    const place = await realpath(candidate).catch(() => undefined)
    if (place && (!who || (await findClosed(place, 'read', who)) === undefined)) return place
  }
  return tmpdir()
}

/** A program can leave folders that nobody may enter; they are ours to open. Links are not followed. */
async function openFolders(folder: string): Promise<void> {
  await chmod(folder, 0o700).catch(() => {})
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    if ((await lstat(path).catch(() => undefined))?.isDirectory()) await openFolders(path)
  }
}
