// Primitive: user-interaction/get_user_input
// Input: prompt ("Your input:"), multiline (false; true reads up to a line with a single full stop, or the end of the input)
// Output: success, input, multiline, length (characters); on error success false, error
// Depends: Node 20 or newer, nothing else
// Interactive: yes

import { createInterface } from 'node:readline'

const lines = createInterface({ input: process.stdin, crlfDelay: Infinity })[Symbol.asyncIterator]()

async function readLine() {
  const { done, value } = await lines.next()
  return done ? undefined : value
}

/** A person's terminal holds answers only. Elsewhere the first line may be the call, and then the answers follow it. */
async function readCall() {
  const first = process.stdin.isTTY ? undefined : await readLine()
  let call
  try {
    call = JSON.parse(first ?? 'null')?.parameters
  } catch {}
  const parameters = call ?? JSON.parse(process.env.AGENT_PARAMETERS || '{}')
  return { parameters, pending: call === undefined && first !== undefined ? [first] : [] }
}

async function readAnswer(pending, multiline) {
  const answer = []
  for (;;) {
    const line = pending.length > 0 ? pending.shift() : await readLine()
    if (line === undefined) return answer.length > 0 ? answer.join('\n') : undefined
    if (!multiline) return line
    if (line === '.') return answer.join('\n')
    answer.push(line)
  }
}

async function main() {
  try {
    const { parameters, pending } = await readCall()
    const multiline = parameters.multiline === true || parameters.multiline === 'true'
    const end = multiline ? ' (end with a line that holds only a full stop)\n' : ' '
    process.stderr.write(`${parameters.prompt ?? 'Your input:'}${end}`)
    const input = await readAnswer(pending, multiline)
    if (input === undefined)
      return { success: false, error: 'the input ended without an answer', input: '', multiline, length: 0 }
    return { success: true, input, multiline, length: [...input].length }
  } catch (error) {
    return { success: false, error: error.message }
  }
}

const result = await main()
process.stdin.destroy()
process.stdout.write(`${JSON.stringify(result)}\n`)
