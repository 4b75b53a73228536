import type { EffectOutcome, Executor } from '../engine/effect.ts'
import type { ToolRequest } from '../events/tool-call.ts'
import type { Tool } from '../tools/tool.ts'
import { toPlainJson } from './plain-json.ts'

/** A tool that was found under its name and version: the implementation, its digest, and whether what it answers comes from outside. */
export interface FoundTool {
  readonly tool: Tool
  readonly digest: string
  readonly outside: boolean
}

export interface ToolShop {
  readonly cwd: string
  /** Undefined when there is no such tool in this version any more. */
  find(request: ToolRequest): Promise<FoundTool | undefined>
}

/** Performs one tool call. A tool that is not the one that was pinned, and perhaps approved, is refused untouched. */
export function createToolExecutor(shop: ToolShop): Executor {
  return {
    kind: 'tool',
    run: async (order, { signal, stream }) => {
      const request = order.request as unknown as ToolRequest
      const found = await shop.find(request)
      if (!found) return refuse('tool_missing', `there is no tool ${request.tool} ${request.version} here`)
      if (found.digest !== request.digest)
        return refuse('tool_changed', `${request.tool} ${request.version} is not what it was when the run began`)
      const outcome = await found.tool.run(request.arguments, {
        signal,
        idempotency_key: order.idempotency_key,
        cwd: shop.cwd,
        progress: (text) => stream({ type: 'stdout', text }),
      })
      const labels = labelsOf(found.outside || outcome.outside === true, request)
      if (outcome.ok) return { ok: true, answer: toPlainJson(outcome.output), ...labels }
      const { code, message, detail, output, touched, retry = false } = outcome
      return {
        ok: false,
        code,
        message,
        touched,
        retry,
        ...labels,
        ...(detail === undefined ? {} : { detail }),
        ...(output === undefined ? {} : { partial: toPlainJson(output) }),
      }
    },
  }
}

/** `outside`: from other machines and programs · `file`: from files, which anybody may have written. */
function labelsOf(outside: boolean, { permissions: { read = [], programs = [] } }: ToolRequest) {
  const labels = [...(outside ? ['outside'] : []), ...(read.length + programs.length > 0 ? ['file'] : [])]
  return labels.length === 0 ? {} : { labels }
}

function refuse(code: string, message: string): EffectOutcome {
  return { ok: false, code, message, touched: 'no', retry: false }
}
