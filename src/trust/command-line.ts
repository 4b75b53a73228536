/** Programs and words of the shell that run what stands behind them. */
const CARRIERS = new Set(
  [
    'bash builtin busybox chroot command dash doas env eval exec find flock ionice ksh nice nohup parallel setsid sh ssh stdbuf',
    'strace su sudo time timeout unshare watch xargs zsh',
    '! coproc do elif else if then trap until while',
  ].flatMap((words) => words.split(' ')),
)

/** More words of one command are not looked at one by one. */
const WORDS = 200

/**
 * The ways in which a command line can be read, for rules that forbid: each command of it, without quotes and assignments, by the bare name
 * of its program, and what it hands to `sudo`, `xargs`, `sh -c` and their like. A shell can hide more than anybody can read; so this
 * finds what is written plainly, and only a sandbox is a wall.
 */
export function readCommands(line: string): readonly string[] {
  return line.split(/[;&|`$()\n\r{}<>]+/).flatMap((part) => {
    const plain = part.trim()
    const words = plain
      .replaceAll(/["'\\]/g, '')
      .split(/\s+/)
      .slice(0, WORDS)
    const first = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word))
    if (first < 0) return [plain]
    return [plain, words.join(' '), ...readFrom(words.slice(first))]
  })
}

/** The words of a command line that may be paths. */
export function namePaths(line: string): readonly string[] {
  return line.split(/[;&|`$(){}<>\s"'=,:]+/).filter((word) => word !== '' && !word.startsWith('-'))
}

function readFrom(words: readonly string[]): readonly string[] {
  const readings = [nameProgram(words)]
  if (!CARRIERS.has(programOf(words[0] ?? ''))) return readings
  for (let start = 1; start < words.length; start++) readings.push(nameProgram(words.slice(start)))
  return readings
}

/** `/usr/bin/rm -rf x` is `rm -rf x`. */
function nameProgram(words: readonly string[]): string {
  return [programOf(words[0] ?? ''), ...words.slice(1)].join(' ')
}

function programOf(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1)
}
