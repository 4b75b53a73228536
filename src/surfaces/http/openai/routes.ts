import type { FaceRoutes } from '../means.ts'
import { addChat } from './chat.ts'
import { addEmbeddings } from './embeddings.ts'
import { addModels } from './models.ts'
import { addResponses } from './responses.ts'

/** The OpenAI-compatible face: every ensemble, chain and profile is a model. */
export function addOpenAiRoutes(routes: FaceRoutes): void {
  addModels(routes)
  addChat(routes)
  addResponses(routes)
  addEmbeddings(routes)
}
