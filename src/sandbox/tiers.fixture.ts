import { takeIdentity } from './identity.ts'
import { findForSandbox, findOnPath } from './programs.ts'

/** What a test needs that is not everywhere, as the names of the programs that are missing; said aloud, so that a skip is seen. */
export async function findMissing(...programs: readonly string[]): Promise<string> {
  const missing: string[] = []
  for (const name of programs) {
    const found = name === 'python3' ? await findForSandbox(name, takeIdentity()) : await findOnPath(name)
    if (!found) missing.push(name)
  }
  if (missing.length > 0) console.warn(`SKIPPED, because these programs are missing: ${missing.join(', ')}`)
  return missing.join(', ')
}
