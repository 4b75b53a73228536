// Primitive: text/render_text
// Input: parameters template (Liquid over input and steps.NAME.output) or fields (name to keys, such as [steps, a, output, title])
// Output: the text of the template, or an object with the fields
// Depends: Node 20 or newer, liquidjs (comes with this program)
// Safety: pure

import { Liquid } from 'liquidjs'

const REFUSED_TAGS = ['include', 'render', 'layout', 'block']

async function readCall() {
  let text = ''
  if (!process.stdin.isTTY) for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  const call = text.trim() === '' ? { input: process.env.INPUT_DATA } : JSON.parse(text)
  return { ...call, parameters: call.parameters ?? JSON.parse(process.env.AGENT_PARAMETERS || '{}') }
}

/** A text that holds a JSON object counts as that object, as it does in prompts. */
function readObject(value) {
  if (typeof value !== 'string') return value
  try {
    const parsed = JSON.parse(value)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : value
  } catch {
    return value
  }
}

function findValue(keys, scope) {
  return keys.reduce((value, key) => (value !== null && Object.hasOwn(Object(value), key) ? value[key] : null), scope)
}

/** What a skipped step would have said is empty. */
function renderText(template, scope) {
  const liquid = new Liquid({
    strictVariables: false,
    strictFilters: true,
    ownPropertyOnly: true,
    templates: {},
    parseLimit: 1_000_000,
    renderLimit: 10_000,
    memoryLimit: 50_000_000,
    outputEscape: (value) => (typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '')),
  })
  for (const tag of REFUSED_TAGS) delete liquid.tags[tag]
  return liquid.parseAndRenderSync(template, scope)
}

try {
  const { input, dependencies = {}, parameters } = await readCall()
  const outcomes = Object.entries(dependencies).map(([name, { output, status }]) => [name, { output: readObject(output ?? null), status }])
  const scope = { input: readObject(input), steps: Object.fromEntries(outcomes) }
  const { template, fields } = parameters
  const result =
    template === undefined
      ? Object.fromEntries(Object.entries(fields ?? {}).map(([name, keys]) => [name, findValue(keys, scope)]))
      : renderText(template, scope)
  console.log(JSON.stringify(result))
} catch (error) {
  console.log(JSON.stringify({ success: false, error: error.message }))
  process.exitCode = 1
}
