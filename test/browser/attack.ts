/** What a hostile page does to a server, as it stands in the page: nothing of this file outside of a function is there. */

/** As much of a page as is used; Node has none. */
interface Piece extends EventTarget {
  src: string
  srcdoc: string
  name: string
  setAttribute(name: string, value: string): void
  append(...pieces: Piece[]): void
  remove(): void
  submit(): void
}
declare const document: { readonly body: Piece; createElement(tag: string): Piece }
declare const location: { readonly origin: string }
declare const navigator: { sendBeacon(url: string, body: Blob): boolean }

export interface Target {
  /** Of the server; '' for a page that has its own origin. */
  readonly url: string
  readonly reads: readonly string[]
  /** Body as a page would write it. */
  readonly writes: readonly { readonly method: string; readonly path: string; readonly body: string }[]
  readonly sockets: readonly string[]
  readonly streams: readonly string[]
  /** What a socket brings along, one after the other. */
  readonly protocols: readonly (readonly string[])[]
}

export interface Loot {
  /** Requests that were begun. */
  readonly sent: number
  /** What could be read of answers. */
  readonly read: readonly string[]
  readonly opened: readonly string[]
  readonly ran: number
}

/** Sends everything a page may send without being asked, and what it may not. */
export async function attackFromPage(target: Target): Promise<Loot> {
  const { url, reads, writes } = target
  const read: string[] = []
  const opened: string[] = []
  let sent = 0
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  const settle = (what: EventTarget, good: string, bad: string) =>
    Promise.race([
      new Promise<boolean>((resolve) => {
        what.addEventListener(good, () => resolve(true), { once: true })
        what.addEventListener(bad, () => resolve(false), { once: true })
      }),
      wait(5_000).then(() => false),
    ])
  const take = async (path: string, init: RequestInit) => {
    sent += 1
    try {
      const response = await fetch(url + path, init)
      if (response.ok) read.push(`${init.method ?? 'GET'} ${path} ${response.status}`)
    } catch {
      // Not sent, or not to be read: as it should be.
    }
  }
  const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']
  for (const { method, path, body } of writes) {
    await Promise.all([
      ...types.map((type) => take(path, { method, mode: 'no-cors', headers: { 'content-type': type }, body })),
      take(path, { method, mode: 'no-cors', credentials: 'include', body: new Blob([body]) }),
      take(path, { method, mode: 'no-cors' }),
      take(path, { method, headers: { 'content-type': 'application/json' }, body }),
      take(path, { method, headers: { 'content-type': 'text/plain' }, body }),
    ])
    sent += 1
    navigator.sendBeacon(url + path, new Blob([body], { type: 'text/plain' }))
  }
  const load = async (tag: 'img' | 'script' | 'link' | 'iframe', path: string) => {
    const element = document.createElement(tag)
    if (tag === 'link') Object.assign(element, { rel: 'stylesheet', href: url + path })
    else element.src = url + path
    const done = settle(element, 'load', 'error')
    document.body.append(element)
    sent += 1
    if ((await done) && tag !== 'iframe') read.push(`${tag} ${path}`)
    element.remove()
  }
  for (const path of reads) {
    const tags = ['img', 'script', 'link', 'iframe'] as const
    await Promise.all([take(path, {}), take(path, { mode: 'no-cors' }), ...tags.map((tag) => load(tag, path))])
  }
  const submit = async (path: string, fields: Record<string, string>, how: { method: string; enctype: string }) => {
    const frame = document.createElement('iframe')
    frame.name = `f${sent}`
    const form = document.createElement('form')
    Object.assign(form, { action: url + path, target: frame.name, ...how })
    for (const [name, value] of Object.entries(fields)) {
      const input = document.createElement('input')
      Object.assign(input, { name, value })
      form.append(input)
    }
    document.body.append(frame, form)
    const done = settle(frame, 'load', 'error')
    sent += 1
    form.submit()
    await done
    frame.remove()
    form.remove()
  }
  const enctypes = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']
  // The same requests as those of `take`, so those suffice that would be understood.
  for (const { method, path, body } of writes.filter((write) => write.method === 'POST' && write.body !== '{}')) {
    const fields = JSON.parse(body) as Record<string, unknown>
    const texts = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))
    // As text, the names and values of a form can be JSON: `{"target":"echo","x":"=` and `"}`.
    const json = { [`${body.slice(0, -1)},"x":"`]: '"}' }
    await Promise.all([
      ...enctypes.map((enctype) => submit(path, texts, { method, enctype })),
      submit(path, json, { method, enctype: 'text/plain' }),
      submit(path, texts, { method: 'GET', enctype: 'text/plain' }),
    ])
  }
  for (const path of target.streams) {
    sent += 1
    const source = new EventSource(url + path)
    source.addEventListener('message', () => read.push(`event of ${path}`))
    if (await settle(source, 'open', 'error')) opened.push(path)
    source.close()
  }
  const base = url === '' ? location.origin : url
  for (const path of target.sockets) {
    for (const protocols of target.protocols) {
      sent += 1
      const socket = new WebSocket(base.replace(/^http/, 'ws') + path, [...protocols])
      if (await settle(socket, 'open', 'error')) opened.push(`${path} ${protocols.join()}`)
      socket.close()
    }
  }
  return { sent, read, opened, ran: Number((globalThis as { ran?: number }).ran ?? 0) }
}

/** A frame without an origin, in which the next attack happens. */
export async function openSandbox(): Promise<void> {
  const frame = document.createElement('iframe')
  frame.setAttribute('sandbox', 'allow-scripts allow-forms')
  frame.srcdoc = '<!doctype html><body></body>'
  document.body.append(frame)
  await new Promise((resolve) => frame.addEventListener('load', resolve))
}

/** Takes the whole window along. */
export function submitWindow([action, method]: readonly [string, string]): void {
  const form = document.createElement('form')
  Object.assign(form, { action, method })
  document.body.append(form)
  form.submit()
}
