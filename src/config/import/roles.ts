const HEADER = /^[ \t]*#?[ \t]*(system|user|assistant|function|tool)[ \t]*:[ \t]*$/i
const BLOCK = /\{%-?\s*(if|for|unless|endif|endfor|endunless)\b/g

/** A prompt in turns (`system:` and `user:` on lines of their own), as one system prompt and one prompt. `joined`: more than those two. */
export function splitRoles(template: string): {
  readonly system?: string
  readonly prompt: string
  readonly joined: boolean
} {
  const turns: { readonly role: string; readonly lines: string[]; readonly inside: boolean }[] = []
  let depth = 0
  for (const line of template.split('\n')) {
    const role = HEADER.exec(line)?.[1]?.toLowerCase()
    if (role !== undefined) turns.push({ role, lines: [], inside: depth > 0 })
    else {
      if (turns.length === 0) turns.push({ role: '', lines: [], inside: false })
      turns.at(-1)?.lines.push(line)
    }
    for (const [, tag = ''] of line.matchAll(BLOCK)) depth += tag.startsWith('end') ? -1 : 1
  }
  const told = turns.filter(({ role, lines }) => role !== '' || lines.some((line) => line.trim() !== ''))
  const [first, ...others] = told
  // a first turn in which a block stays open cannot stand alone
  const isSystem = first?.role === 'system' && !others[0]?.inside && !others.some(({ role }) => role === 'system')
  const rest = isSystem ? others : told
  const [only] = rest
  const system = isSystem ? first.lines.join('\n').trim() : ''
  if (rest.length === 1 && only && (only.role === 'user' || only.role === '') && !only.inside)
    return { ...(system === '' ? {} : { system }), prompt: only.lines.join('\n').trim(), joined: false }
  // a prompt that is a system turn alone asks in the name of the user
  if (rest.length === 0) return { prompt: system, joined: false }
  if (rest.length === 1 && only && !only.inside)
    return { ...(system === '' ? {} : { system }), prompt: only.lines.join('\n').trim(), joined: false }
  const prompt = rest
    .map(({ role, lines }) => (role === '' ? lines.join('\n') : `${role}:\n${lines.join('\n')}`))
    .join('\n')
    .trim()
  return { ...(system === '' ? {} : { system }), prompt, joined: true }
}
