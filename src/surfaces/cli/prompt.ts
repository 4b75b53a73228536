import { createInterface, type Interface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { coversOther, type ShownApproval } from '../../app/approvals.ts'
import type { Ask } from '../../app/asks.ts'
import type { Person, Word } from '../../app/person.ts'
import { describeRequest } from './show/approvals.ts'
import type { Page } from './show/page.ts'
import { showQuestion } from './show/run.ts'

/** ms; what comes in so soon after a question was typed before anybody could read it. */
const UNREAD_MS = 40

export interface Desk {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  readonly page: Page
  /** What is shown is passed through it. */
  redact(text: string): string
  /** Keeps everything else off the terminal; answers with what lets it back. */
  hold(): () => void
}

/** The person at the terminal is asked about what a run rests on. What they leave for later they are not asked again. */
export function createPrompter(desk: Desk): Person {
  const later = new Set<string>()
  return {
    answer: async (asks, signal) => {
      const open = asks.filter((ask) => isForPerson(ask) && !later.has(nameOf(ask)))
      if (open.length === 0) return []
      const letBack = desk.hold()
      const line = createInterface({ input: desk.input, output: desk.output, terminal: true, historySize: 0 })
      try {
        const words: Word[] = []
        const wide: ShownApproval[] = []
        for (const [index, ask] of open.entries()) {
          const { key, approval } = ask
          if (approval && wide.some((given) => coversOther(given, approval))) {
            words.push({ key, say: 'yes', scope: 'call' })
            continue
          }
          const place = open.length > 1 ? `${index + 1} of ${open.length}  ` : ''
          const word = await (ask.approval ? askLeave : askQuestion)({ ask, place, desk, line, signal })
          if (word === 'leave') {
            desk.output.write('Nothing of this was sent; the run rests.\n')
            return []
          }
          if (word === 'later') later.add(nameOf(ask))
          else words.push(word)
          if (approval && typeof word === 'object' && word.say === 'yes' && word.scope === 'run') wide.push(approval)
        }
        return words
      } finally {
        line.close()
        letBack()
      }
    },
  }
}

/** What may or may not have happened takes a look at the world first. */
function isForPerson({ approval, question }: Ask): boolean {
  return approval !== undefined || question !== undefined
}

function nameOf({ key, approval }: Ask): string {
  return `${key} ${approval?.digest ?? ''}`
}

interface Asking {
  readonly ask: Ask
  readonly place: string
  readonly desk: Desk
  readonly line: Interface
  readonly signal: AbortSignal
}

type Said = Word | 'later' | 'leave'

async function askLeave({ ask, place, desk, line, signal }: Asking): Promise<Said> {
  const { key, approval } = ask
  if (!approval) return 'later'
  const { text, cut } = describeRequest(approval, desk.page)
  const show = (shown: string) => desk.output.write(`${desk.redact(`\n${place}${shown}`)}\n\n`)
  show(text)
  const ways = `y yes, this call · r yes, every such call of this run · n no · l later${cut ? ' · s show all' : ''}`
  for (;;) {
    desk.output.write(`${desk.page.style.paint('dim', ways)}\n`)
    const said = await readLine(line, { desk, prompt: 'Allow it? ', signal })
    if (said === undefined) return 'leave'
    switch (said.toLowerCase()) {
      case 'y':
      case 'yes':
        return { key, say: 'yes', scope: 'call' }
      case 'r':
        return { key, say: 'yes', scope: 'run' }
      case 'n':
      case 'no': {
        const reason = await readLine(line, { desk, prompt: 'Why (the model reads it; Enter: no reason)? ', signal })
        if (reason === undefined) return 'leave'
        return { key, say: 'no', ...(reason === '' ? {} : { reason }) }
      }
      case 'l':
      case 'later':
        return 'later'
      case 's':
        show(describeRequest(approval, desk.page, true).text)
    }
  }
}

async function askQuestion({ ask, place, desk, line, signal }: Asking): Promise<Said> {
  const words = showQuestion(ask, desk.page)
  desk.output.write(`${desk.redact(`\n${place}${words}`)}\n\n`)
  const text = await readLine(line, { desk, prompt: 'Answer (Enter alone: later)? ', signal })
  if (text === undefined) return 'leave'
  return text === '' ? 'later' : { key: ask.key, say: 'answer', text }
}

/** One line, without the spaces around it; undefined when the person leaves (Ctrl-C, Ctrl-D) or the signal fires. */
export async function readLine(
  line: Interface,
  { desk, prompt, signal }: { readonly desk: Desk; readonly prompt: string; readonly signal: AbortSignal },
): Promise<string | undefined> {
  // Nobody listens here, so lines that were typed ahead are dropped; the last one, without its end, is wiped.
  await sleep(UNREAD_MS)
  if (signal.aborted) return undefined
  line.write(null, { ctrl: true, name: 'u' })
  return new Promise((resolve) => {
    const settle = (text: string | undefined) => {
      line.off('line', take).off('close', leave).off('SIGINT', leave)
      signal.removeEventListener('abort', leave)
      resolve(text)
    }
    const take = (text: string) => settle(text.trim())
    const leave = () => {
      desk.output.write('\n')
      settle(undefined)
    }
    line.on('line', take).on('close', leave).on('SIGINT', leave)
    signal.addEventListener('abort', leave, { once: true })
    line.setPrompt(desk.page.style.paint('bold', prompt))
    line.prompt()
  })
}
