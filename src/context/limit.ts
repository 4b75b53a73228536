import type { ModelRequest } from '../events/messages.ts'
import type { ModelCard } from '../events/model-card.ts'

/** Kept free for an answer of which nobody says how long it may be. */
const USUAL_OUTPUT = 8_192

/**
 * The most tokens a request may be: the user's budget, what the model takes, and what its window holds beside the answer. Undefined
 * where nothing of that is known.
 */
export function limitOf(
  { max_tokens, options }: Pick<ModelRequest, 'max_tokens' | 'options'>,
  card: ModelCard | undefined,
  budget: number | undefined,
): number | undefined {
  // Ollama's own: what it makes of the window, whatever the model could do.
  const own = options?.['num_ctx']
  const window = least(card?.context_window, typeof own === 'number' && own > 0 ? own : undefined)
  const output = max_tokens ?? Math.min(card?.max_output ?? USUAL_OUTPUT, Math.floor((window ?? 0) / 4))
  // An answer that would take most of the window ends where the window does.
  const room = window === undefined ? undefined : window - Math.min(output, Math.floor(window / 2))
  return least(least(budget, card?.max_input), room)
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
}
