import type { Problem } from '../../events/errors.ts'

/** What is wrong in the user's files, beside a result that holds without them; nothing when all is well. */
export function tellProblems(problems: readonly Problem[]): { readonly problems?: readonly string[] } {
  const lines = problems.map(({ message, file, line, column }) => {
    const place = [file, line, line === undefined ? undefined : (column ?? 1)].filter((part) => part !== undefined)
    return [...place, place.length > 0 ? ` ${message}` : message].join(':')
  })
  return lines.length > 0 ? { problems: lines } : {}
}
