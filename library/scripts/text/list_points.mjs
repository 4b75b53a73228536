// Primitive: text/list_points
// Input: parameters most (8); the text is the answer of the only dependency, else the input
// Output: success, data: the numbered or bulleted points of the text, without their marks; the whole text where it has none
// Depends: Node 20 or newer
// Safety: pure

async function readCall() {
  let text = ''
  if (!process.stdin.isTTY) for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  const call = text.trim() === '' ? { input: process.env.INPUT_DATA } : JSON.parse(text)
  return { ...call, parameters: call.parameters ?? JSON.parse(process.env.AGENT_PARAMETERS || '{}') }
}

const POINT = /^(\s{0,3})(?:[-*+•]|\(?\d{1,3}[.)]|[A-Za-z][.)])\s+(.*\S)/u

/** Lines further in than the first point belong to the point above them. */
function findPoints(text) {
  const points = []
  for (const line of text.split('\n')) {
    const point = POINT.exec(line)?.[2]
    if (point !== undefined) points.push(point)
    else if (points.length > 0 && /^\s+\S/u.test(line)) points.push(`${points.pop()} ${line.trim()}`)
  }
  return points.map((point) => point.replaceAll(/\*\*|__/gu, '').trim()).filter((point) => point !== '')
}

try {
  const { input = '', dependencies = {}, parameters } = await readCall()
  const [only] = Object.values(dependencies)
  const given = only ? (only.output ?? '') : input
  const text = typeof given === 'string' ? given : JSON.stringify(given)
  const points = findPoints(text)
  const data = points.length > 0 ? points : [text.trim()].filter((whole) => whole !== '')
  if (data.length === 0) throw new Error('there is no text to take points from')
  console.log(JSON.stringify({ success: true, data: data.slice(0, parameters.most ?? 8), left_out: Math.max(0, data.length - (parameters.most ?? 8)) }))
} catch (error) {
  console.log(JSON.stringify({ success: false, error: error.message }))
}
