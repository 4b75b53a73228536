// Primitive: text/read_mark
// Input: parameters mark ("Verdict"), choices (optional list), ranked (false); the text is the input, its item, or the item's text
// Output: success; choice, or ranking when ranked, as it stands in the last line "MARK: ..."; neither when there is none; name of the item
// Depends: Node 20 or newer
// Safety: pure

async function readCall() {
  let text = ''
  if (!process.stdin.isTTY) for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  const call = text.trim() === '' ? { input: process.env.INPUT_DATA } : JSON.parse(text)
  return { input: call.input ?? '', parameters: call.parameters ?? JSON.parse(process.env.AGENT_PARAMETERS || '{}') }
}

/** What follows the mark in the last line that begins with it; marks of emphasis around it do not matter. */
function findMark(text, mark) {
  const word = mark.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const lines = [...text.matchAll(new RegExp(`^[\\s>*_#-]*${word}[\\s*_]*[:=][\\s*_]*(.*\\S)`, 'gimu'))]
  return lines.at(-1)?.[1]
}

/** A word without the marks around it; where choices are given, the one it begins with. */
function cleanChoice(text, choices) {
  const plain = text.replace(/^[\s"'`*_(]+|[\s"'`*_).!,;]+$/gu, '')
  if (choices === undefined) return plain
  const begins = (choice) => {
    const head = plain.slice(0, choice.length).toLowerCase()
    return head === choice.toLowerCase() && !/^[\p{L}\p{N}]/u.test(plain.slice(choice.length))
  }
  return choices.filter(begins).sort((a, b) => b.length - a.length)[0]
}

try {
  const { input, parameters } = await readCall()
  const { mark = 'Verdict', choices, ranked = false } = parameters
  const item = input?.item ?? input
  const { name, text = item } = typeof item === 'object' && item !== null ? item : {}
  const found = typeof text === 'string' ? findMark(text, mark) : undefined
  const parts = (ranked ? (found ?? '').split(/[>,;]/u) : [found ?? '']).map((part) => cleanChoice(part, choices))
  const chosen = [...new Set(parts.filter((part) => part !== undefined && part !== ''))]
  console.log(
    JSON.stringify({
      success: true,
      ...(name === undefined ? {} : { name }),
      ...(chosen.length === 0 ? {} : ranked ? { ranking: chosen } : { choice: chosen[0] }),
    }),
  )
} catch (error) {
  console.log(JSON.stringify({ success: false, error: error.message }))
}
