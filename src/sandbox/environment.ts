/** What a program may see of our own environment. Everything else (keys, tokens, sockets of agents) stays here. */
const ALLOWED = new Set(
  [
    'PATH',
    'HOME',
    'USER',
    'LOGNAME',
    'SHELL',
    'LANG',
    'LANGUAGE',
    'TZ',
    'TERM',
    'COLORTERM',
    'NO_COLOR',
    'TMPDIR',
  ].concat(
    // Windows does not start programs without these.
    [
      'SYSTEMROOT',
      'SYSTEMDRIVE',
      'WINDIR',
      'COMSPEC',
      'PATHEXT',
      'TEMP',
      'TMP',
      'USERPROFILE',
      'APPDATA',
      'LOCALAPPDATA',
    ],
  ),
)

export type Environment = { readonly [name: string]: string }

/** An environment built from an allow-list, then from what the caller gives on purpose. */
export function cleanEnvironment(extra: Environment = {}, own: NodeJS.ProcessEnv = process.env): Environment {
  const kept = Object.entries(own).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (ALLOWED.has(entry[0].toUpperCase()) || entry[0].startsWith('LC_')),
  )
  return { ...Object.fromEntries(kept), ...extra }
}
