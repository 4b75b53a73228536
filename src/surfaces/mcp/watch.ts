import { OrcError } from '../../events/errors.ts'
import type { Offer } from './offer.ts'

/** ms between looks at what is offered: what is new is told well within a second. */
const LOOK_EVERY_MS = 400

export interface Changes {
  tools?(): void
  prompts?(): void
}

/**
 * Tells when what is offered has become another. It looks only while `wanted` says that somebody would be told; answers with a function that ends it.
 */
export function watchOffer(offer: Offer, changes: Changes, wanted: () => boolean): () => void {
  const seen: { tools?: string; prompts?: string } = {}
  let looking = false
  const look = async () => {
    if (looking || !wanted()) return
    looking = true
    try {
      const tools = JSON.stringify(await offer.listTools())
      const prompts = JSON.stringify(await offer.listPrompts())
      if (seen.tools !== undefined && seen.tools !== tools) changes.tools?.()
      if (seen.prompts !== undefined && seen.prompts !== prompts) changes.prompts?.()
      Object.assign(seen, { tools, prompts })
    } catch (error) {
      // A file that cannot be read right now is told to whoever asks for it.
      if (!(error instanceof OrcError)) throw error
    } finally {
      looking = false
    }
  }
  void look()
  const timer = setInterval(() => void look(), LOOK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}
