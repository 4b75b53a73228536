import { agentStep } from '../../src/steps/agent.ts'
import { scriptStep } from '../../src/steps/script.ts'
import { errand } from './errand.ts'

/** The step kinds of golden journals. */
export const goldenKinds = { agent: agentStep, script: scriptStep, errand }
