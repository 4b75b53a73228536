import { readdir, readFile } from 'node:fs/promises'

const CLOSES_ON_EXEC = 0o2000000
let found: Promise<readonly number[]> | undefined

/**
 * File descriptors that whoever started us left open, and that every program of ours would inherit: Node closes only its own. They are the
 * same as long as we live. Linux only; elsewhere none are found.
 */
function findInherited(): Promise<readonly number[]> {
  found ??= look()
  return found
}

async function look(): Promise<readonly number[]> {
  const open = await readdir('/proc/self/fdinfo').catch(() => [])
  const stays = open.map(Number).map(async (fd) => {
    if (fd < 3) return []
    const info = await readFile(`/proc/self/fdinfo/${fd}`, 'latin1').catch(() => '')
    const flags = /^flags:\s*(\d+)/m.exec(info)?.[1]
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSES_ON_EXEC) === 0 ? [fd] : []
  })
  return (await Promise.all(stays)).flat()
}

/** Descriptors for a program, from 3 on, with `nothing` at every place where it would inherit something. */
export async function coverInherited(
  descriptors: readonly number[],
  nothing: number,
): Promise<readonly (number | 'ignore')[]> {
  const covered: (number | 'ignore')[] = [...descriptors]
  for (const fd of await findInherited()) {
    const at = fd - 3
    if (at < descriptors.length) continue
    while (covered.length < at) covered.push('ignore')
    covered[at] = nothing
  }
  return covered
}
