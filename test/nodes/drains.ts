import { setImmediate } from 'node:timers/promises'

const channel = new MessageChannel()
const waiting: (() => void)[] = []
channel.port1.addEventListener('message', () => waiting.shift()?.())
channel.port1.start()
channel.port1.unref()

/** Ways to let everything happen that is queued. Each is full, they differ in how much of the event loop goes by meanwhile. */
export const drains: { readonly [name: string]: () => Promise<void> } = {
  immediate: () => setImmediate(),
  /** What a browser has; the port must hold the process while somebody waits. */
  message: async () => {
    channel.port1.ref()
    await new Promise<void>((resolve) => {
      waiting.push(resolve)
      channel.port2.postMessage(null)
    })
    if (waiting.length === 0) channel.port1.unref()
  },
  timer: () => new Promise((resolve) => setTimeout(resolve, 0)),
  long: async () => {
    for (let i = 0; i < 5; i++) await setImmediate()
  },
}
