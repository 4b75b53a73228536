/**
 * A payment server in a process of its own. It records the idempotency key of each request and commits each one it gets, for it
 * deduplicates nothing; some it commits without answering, some it drops without committing.
 */
import { spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../../src/events/random.ts'

export interface Payments {
  readonly url: string
  /** Commits by key, once nothing is under way. */
  ledger(): Promise<{ readonly [key: string]: number }>
  stop(): void
}

export async function startPayments(): Promise<Payments> {
  const child = spawn(process.execPath, [import.meta.filename], { stdio: ['pipe', 'pipe', 'inherit'] })
  const port = await new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve))
  const url = `http://127.0.0.1:${port}`
  const ledger = async () => (await (await fetch(`${url}/ledger`)).json()) as { [key: string]: number }
  return { url, ledger, stop: () => void child.kill('SIGKILL') }
}

function serve(): void {
  const random = createRandom('payments')
  const commits: { [key: string]: number } = {}
  let underWay = 0
  const server = createServer((request, response) => void answer(request, response))
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url === '/ledger') {
      // A request of somebody killed may still be on its way through the machine.
      do await sleep(10)
      while (underWay > 0)
      response.end(JSON.stringify(commits))
      return
    }
    underWay += 1
    try {
      // The path names the run: keys are unique within one.
      let key = `${request.url?.split('/')[1]} `
      for await (const chunk of request) key += chunk
      await sleep(random() * 5)
      const fate = random()
      if (fate < 0.05) return void request.socket.destroy()
      commits[key] = (commits[key] ?? 0) + 1
      await sleep(random() * 3)
      if (fate < 0.2) return void request.socket.destroy()
      response.end(`paid ${key.slice(0, 12)}`)
    } catch {
      // The line broke before the request was whole: nothing is committed.
    } finally {
      underWay -= 1
    }
  }
  server.listen(0, '127.0.0.1', () => console.log((server.address() as { port: number }).port))
  process.stdin.on('end', () => process.exit()).resume()
}

if (import.meta.main) serve()
