/** What takes long to make and is seldom needed: made when it is first asked for, and then kept. */
export function makeOnce<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}
