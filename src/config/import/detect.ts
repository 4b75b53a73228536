import { cagent } from './cagent.ts'
import { capabilities } from './capabilities.ts'
import { claudeAgent } from './claude-agent.ts'
import { clickChains } from './click-chains.ts'
import { crewai } from './crewai.ts'
import { dify } from './dify.ts'
import type { Document } from './document.ts'
import type { ImportFormat } from './imported.ts'
import { litellm } from './litellm.ts'
import { promptflow } from './promptflow.ts'
import { taskGraph } from './task-graph.ts'

/** Every foreign format, the most particular first: the first that knows the content of a file takes it. */
export const FORMATS: readonly ImportFormat[] = [
  claudeAgent,
  dify,
  litellm,
  promptflow,
  crewai,
  cagent,
  taskGraph,
  capabilities,
  clickChains,
]

export function findFormat(name: string): ImportFormat | undefined {
  return FORMATS.find((format) => format.name === name)
}

/** Tells the format by what is in the file; its name says nothing. */
export function detectFormat(document: Document): ImportFormat | undefined {
  return document.data === undefined ? undefined : FORMATS.find((format) => format.detects(document))
}
