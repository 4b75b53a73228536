/** Takes one item after another; `quiet` when none came in time, undefined at the end. */
export function withHeartbeat<T>(
  items: AsyncGenerator<T>,
  quiet_ms: number,
): { next(): Promise<T | 'quiet' | undefined> } {
  let asked: Promise<IteratorResult<T, unknown>> | undefined
  return {
    next: async () => {
      asked ??= items.next()
      let timer: NodeJS.Timeout | undefined
      const quiet = new Promise<'quiet'>((resolve) => {
        timer = setTimeout(() => resolve('quiet'), quiet_ms)
      })
      const first = await Promise.race([asked, quiet])
      clearTimeout(timer)
      if (first === 'quiet') return first
      asked = undefined
      return first.done ? undefined : first.value
    },
  }
}
