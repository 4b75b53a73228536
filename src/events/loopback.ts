/** Whether an address (`http://127.0.0.1:11434`) leads to this machine itself. */
export function isLoopback(url: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(URL.parse(url)?.hostname ?? '')
}
