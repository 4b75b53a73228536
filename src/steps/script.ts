import { type Inputs, StepFailure, type StepKind } from '../engine/step.ts'
import type { ScriptAnswer, ScriptRequest } from '../events/script-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { ScriptSpec } from '../graph/agent-spec.ts'
import type { InputRules } from '../graph/composite.ts'
import { fillTemplates } from '../graph/template.ts'
import { applyInputRules } from './inputs.ts'
import { nameOf } from './place.ts'
import { isJsonObject, readAnswer, readJson } from './read-json.ts'
import { buildScriptInput } from './script-input.ts'

/** Runs a script once. What it prints is the output: JSON as JSON, other text as `{success: true, output: TEXT}`, nothing as empty text. */
export const scriptStep: StepKind = {
  kind: 'script',
  version: 1,
  async run(step, inputs, ctx) {
    const spec = step.spec as unknown as ScriptSpec & { readonly rules?: InputRules }
    const { input = '', dependencies } = applyInputRules(spec.rules, inputs)
    const parameters = fillParameters(spec.parameters, inputs)
    const given = buildScriptInput(spec.agent, parameters, { input, dependencies })
    const request: ScriptRequest = {
      ...requestScript(spec.script),
      stdin: given.stdin,
      environment: { ...spec.environment, ...given.environment },
      ...(spec.sandbox ? { sandbox: spec.sandbox } : {}),
      ...(spec.cache ? { cache: spec.cache } : {}),
    }
    const answer = await ctx.effect({ kind: 'script', name: 'script', safety: spec.safety, pool: 'script', request })
    return { output: readOutput(answer as ScriptAnswer) }
  },
}

function requestScript(script: ScriptSpec['script']): Pick<ScriptRequest, 'script' | 'interactive'> {
  if (script.type === 'inline') return { script }
  const { type, reference, path, sha256, program } = script
  return { script: { type, reference, path, sha256, program }, ...(script.interactive ? { interactive: true } : {}) }
}

function fillParameters(parameters: JsonObject, { dependencies }: Inputs): JsonObject {
  const outputs = dependencies.flatMap(({ step, output }) =>
    output === undefined ? [] : [[nameOf(step), readAnswer(output)] as const],
  )
  const filled = fillTemplates(parameters, Object.fromEntries(outputs))
  if (!filled.ok) throw new StepFailure(filled.code, filled.message)
  return filled.value
}

/** The step's output, or its failure, which keeps as output what the script said. */
function readOutput(answer: ScriptAnswer): Json {
  const parsed = answer.truncated ? undefined : readJson(answer.stdout)
  if (answer.exit !== 0) {
    const error = `the script ended with exit code ${answer.exit}`
    const output = isJsonObject(parsed) ? parsed : describeFailure(error, answer)
    throw new StepFailure('script_failed', error, { output })
  }
  if (answer.truncated) {
    const error = 'the script printed more than is kept'
    throw new StepFailure('output_too_large', error, { output: describeFailure(error, answer) })
  }
  if (isJsonObject(parsed) && parsed['success'] === false)
    throw new StepFailure('script_reported_failure', 'the script reported success: false', { output: parsed })
  if (parsed !== undefined) return parsed
  const text = answer.stdout.trimEnd()
  return text === '' ? '' : { success: true, output: text }
}

function describeFailure(error: string, { exit, stdout, stderr }: ScriptAnswer): JsonObject {
  return {
    success: false,
    error,
    exit_code: exit,
    ...(stdout === '' ? {} : { stdout }),
    ...(stderr === '' ? {} : { stderr }),
  }
}
