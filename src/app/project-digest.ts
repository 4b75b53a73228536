import { hash } from 'node:crypto'

/** A project is named in journals by a digest of its folder, never by its path. */
export function projectDigest(folder: string): string {
  return hash('sha256', folder, 'hex').slice(0, 16)
}
