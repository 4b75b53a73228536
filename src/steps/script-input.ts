import type { Inputs, StepOutcome } from '../engine/step.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { isJsonObject, readJson, textOfJson } from './read-json.ts'

/** Bytes one environment variable may have; systems refuse to start a program with more (Linux: 128 KiB). */
const VARIABLE_LIMIT = 100_000

interface ScriptInput {
  readonly stdin: string
  readonly environment: { readonly [name: string]: string }
}

/**
 * What a script is given, by the contract of older scripts. Standard input is `{input, parameters, context}`; with dependencies
 * also `{agent_name, input_data, dependencies: {NAME: {response, status, output?, error?}}}`, so readers of either form find theirs.
 * `response` is always text (JSON text of a script's output), `output` the same as JSON. Copies stand in the environment:
 * `INPUT_DATA`, `INPUT_TEXT`, `AGENT_PARAMETERS`, `SCRIPT_PARAMS`; one that no variable can hold is left out.
 *
 * An input that is itself an object with `agent_name` and `input_data` was made for the script: without dependencies it is handed
 * on in `INPUT_DATA` alone, and standard input stays empty (unless the variable cannot hold it).
 */
export function buildScriptInput(agent: string, parameters: JsonObject, { input, dependencies }: Inputs): ScriptInput {
  const data = typeof input === 'string' ? input : JSON.stringify(input)
  const settings = JSON.stringify(parameters)
  const environment = keepHoldable({
    INPUT_DATA: data,
    INPUT_TEXT: textOfJson(input),
    AGENT_PARAMETERS: settings,
    SCRIPT_PARAMS: settings,
  })
  if (dependencies.length === 0 && isMadeForScript(input))
    return { stdin: environment['INPUT_DATA'] === undefined ? data : '', environment }
  const given = { input, parameters, context: {} }
  if (dependencies.length === 0) return { stdin: JSON.stringify(given), environment }
  const reports = Object.fromEntries(dependencies.map((outcome) => [outcome.step, reportOf(outcome)]))
  return {
    stdin: JSON.stringify({ ...given, agent_name: agent, input_data: data, dependencies: reports }),
    environment,
  }
}

function isMadeForScript(input: Json): boolean {
  const object = typeof input === 'string' ? readJson(input) : input
  return isJsonObject(object) && Object.hasOwn(object, 'agent_name') && Object.hasOwn(object, 'input_data')
}

function reportOf({ status, output, code, message }: StepOutcome): JsonObject {
  return {
    response: output === undefined ? '' : typeof output === 'string' ? output : JSON.stringify(output),
    status: status === 'succeeded' ? 'success' : status,
    ...(output === undefined ? {} : { output }),
    ...(code === undefined ? {} : { error: { code, message: message ?? '' } }),
  }
}

function keepHoldable(variables: { readonly [name: string]: string }): { readonly [name: string]: string } {
  return Object.fromEntries(Object.entries(variables).filter(([, text]) => isHoldable(text)))
}

function isHoldable(text: string): boolean {
  if (text.length > VARIABLE_LIMIT || text.includes('\0')) return false
  return text.length * 3 <= VARIABLE_LIMIT || new TextEncoder().encode(text).length <= VARIABLE_LIMIT
}
