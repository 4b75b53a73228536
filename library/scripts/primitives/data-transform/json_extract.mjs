// Primitive: data-transform/json_extract
// Input: json_data (JSON text or an object; without it the step's input, if that is one), fields (names of top-level keys)
// Output: success, extracted, missing_fields, total_fields, extracted_count; on error success false, error
// Depends: Node 20 or newer, nothing else
// Safety: pure

async function readCall() {
  let text = ''
  if (!process.stdin.isTTY) for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  const call = text.trim() === '' ? {} : JSON.parse(text)
  return { parameters: call.parameters ?? JSON.parse(process.env.AGENT_PARAMETERS || '{}'), input: call.input }
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readData(parameters, input) {
  if (parameters.json_data !== undefined) return parse(parameters.json_data)
  try {
    const data = parse(input ?? '{}')
    return isObject(data) ? data : {}
  } catch {
    return {}
  }
}

function parse(given) {
  if (typeof given !== 'string') return given
  try {
    return JSON.parse(given)
  } catch (error) {
    throw new Error(`json_data is not valid JSON: ${error.message}`)
  }
}

async function main() {
  try {
    const { parameters, input } = await readCall()
    const data = readData(parameters, input)
    if (!isObject(data)) throw new Error('json_data must be an object')
    const fields = typeof parameters.fields === 'string' ? [parameters.fields] : (parameters.fields ?? [])
    if (!Array.isArray(fields) || fields.some((field) => typeof field !== 'string')) {
      throw new Error('fields must be a list of names')
    }
    const found = fields.filter((field) => Object.hasOwn(data, field))
    const extracted = Object.fromEntries(found.map((field) => [field, data[field]]))
    return {
      success: true,
      extracted,
      missing_fields: fields.filter((field) => !Object.hasOwn(data, field)),
      total_fields: fields.length,
      extracted_count: Object.keys(extracted).length,
    }
  } catch (error) {
    return { success: false, error: error.message }
  }
}

process.stdout.write(`${JSON.stringify(await main())}\n`)
