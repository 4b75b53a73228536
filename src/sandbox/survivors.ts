import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * The environment variable that names the run of a program. A program inherits it, so a daemon that left its process group
 * is still known by it, unless it wiped or overwrote its environment or changed its user. Linux only: read from /proc.
 */
export const MARK_NAME = 'LLM_ORC_PROCESS_MARK'

/** Kills whatever still carries the mark. `leader` is the process it was first given to. */
export async function killMarked(mark: string, leader: number): Promise<void> {
  if (process.platform !== 'linux') return
  const text = `${MARK_NAME}=${mark}\0`
  // A killed process can be seen until it is gone, and may have forked just before: look until nothing is found.
  for (let round = 0; round < 20; round++) {
    let found = false
    for (const pid of await listLater(leader)) {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
      if (!environment.includes(text)) continue
      found = true
      sendSignal(pid, 'SIGKILL')
    }
    if (!found) return
    await sleep(10)
  }
}

/** Process ids that can descend from the leader: all higher ones, as long as the kernel's counter has not started over. */
async function listLater(leader: number): Promise<number[]> {
  const [names, load] = await Promise.all([
    readdir('/proc').catch(() => []),
    readFile('/proc/loadavg', 'utf8').catch(() => ''),
  ])
  const newest = Number(load.trim().split(' ').at(-1))
  return names.map(Number).filter((pid) => pid > (newest >= leader ? leader : 1) && pid !== process.pid)
}

/** False when there is nobody (left) to send it to. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

/**
 * The watch over our own death, a shell program: it is told the process groups in use line by line (`+ 123`, `- 123`). When its
 * input ends we are gone, however that happened (kill -9 too), and it kills those groups and everything that carries our mark.
 */
export const WATCH_PROGRAM = `trap '' HUP INT QUIT TERM
groups=' '
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="\${groups%% "$group" *} \${groups#* "$group" }" ;; esac ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
[ -r /proc/self/environ ] || exit 0
round=0
while [ $round -lt 20 ]; do
  found=
  for file in $(grep -alF -- "$1" /proc/[0-9]*/environ 2>/dev/null); do
    pid=\${file#/proc/}
    kill -s KILL "\${pid%/environ}" 2>/dev/null && found=1
  done
  [ -n "$found" ] || exit 0
  round=$((round + 1))
done
`
