import { formatDuration } from '../../../events/views/amounts.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { type Kin, nameBelow } from '../../../events/views/family.ts'
import type { AgentReport } from '../../../events/views/run-report.ts'
import type { Style } from './style.ts'
import { fit } from './width.ts'

/** More lines than this below one agent are too many to read: then those that went well are only counted. */
const ROOM = 20

/** The steps an agent proposed, as an indented line each, by the names they have below it. */
export function renderChildren(
  kin: readonly Kin<AgentReport>[],
  { style, width }: { readonly style: Style; readonly width: number },
): string[] {
  const shown = kin.length <= ROOM ? kin : kin.filter(({ agent }) => agent.status !== 'succeeded').slice(0, ROOM)
  const rest = kin.length - shown.length
  const lines = shown.map(({ agent, depth }) => {
    const indent = '  '.repeat(depth)
    const symbol = agent.status === 'running' ? (style.symbols.spinner[0] ?? '') : style.symbols[agent.status]
    return fit(`${indent}${symbol} ${describeChild(agent)}`, width, style.symbols.cut)
  })
  return [...lines, ...(rest > 0 ? [`  and ${rest} more steps`] : [])]
}

function describeChild(agent: AgentReport): string {
  const model = [agent.provider, agent.model].filter((part) => part !== undefined).join('/')
  const failed = agent.status === 'failed' ? `${agent.code ?? 'failed'}: ${agent.message ?? ''}` : ''
  return [
    cleanLine(nameBelow(agent)),
    cleanLine(model),
    agent.duration_ms === undefined ? '' : formatDuration(agent.duration_ms),
    cleanLine(failed),
  ]
    .filter((part) => part !== '')
    .join('  ')
}
