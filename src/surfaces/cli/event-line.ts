import type { Event } from '../../events/event.ts'
import { formatDuration } from '../../events/views/amounts.ts'
import { cleanLine } from '../../events/views/clean.ts'
import type { Style } from './render/style.ts'

/** One event for a person: `  12  05:02:11.345  step-finished  read`. Times are UTC. */
export function describeEvent(event: Event, style: Style): string {
  const time = new Date(event.at).toISOString().slice(11, 23)
  const line = `${String(event.seq).padStart(4)}  ${style.paint('dim', time)}  ${style.paint(colorOf(event.type), event.type.padEnd(18))}`
  return `${line}  ${cleanLine(describeData(event))}`.trimEnd()
}

function describeData(event: Event): string {
  switch (event.type) {
    case 'run-started':
      return `${event.data.target.kind} ${event.data.target.name}`
    case 'run-finished':
      return `${event.data.status}${event.data.reason === undefined ? '' : `: ${event.data.reason}`}`
    case 'run-paused':
      return event.data.asks.join(', ')
    case 'step-failed':
      return `${event.data.step}  ${event.data.code}: ${event.data.message}`
    case 'effect-failed':
      return `${event.data.key}  ${event.data.code}: ${event.data.message}`
    case 'effect-done':
      return `${event.data.key}${event.data.ms === undefined ? '' : `  ${formatDuration(event.data.ms)}`}`
    default: {
      const { key, step, count, reason } = event.data as { readonly [field: string]: unknown }
      return [key ?? step, count === undefined ? undefined : `${String(count)} steps`, reason]
        .filter((part) => part !== undefined)
        .join('  ')
    }
  }
}

function colorOf(type: Event['type']): 'red' | 'yellow' | 'green' | 'cyan' {
  if (/failed|refused|denied/.test(type)) return 'red'
  if (/unknown|paused|requested|cancel|skipped/.test(type)) return 'yellow'
  return /finished|done/.test(type) ? 'green' : 'cyan'
}
