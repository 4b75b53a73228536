// Primitive: user-interaction/confirm_action
// Input: prompt ("Continue?"), default ("n": what an empty answer means)
// Output: success, confirmed, input, prompt; without any answer success false, error, confirmed false
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

function isYes(text) {
  return /^(?:y|yes|true|1)$/i.test(text.trim())
}

async function main() {
  const prompt = { text: 'Continue?' }
  try {
    const { parameters, pending } = await readCall()
    prompt.text = String(parameters.prompt ?? prompt.text)
    const fallback = String(parameters.default ?? 'n')
    process.stderr.write(`${prompt.text} [${isYes(fallback) ? 'Y/n' : 'y/N'}] `)
    const input = pending.shift() ?? (await readLine())
    // The end of the input is not consent, whatever the default.
    if (input === undefined) throw new Error('the input ended without an answer')
    const confirmed = isYes(input.trim() === '' ? fallback : input)
    return { success: true, confirmed, input, prompt: prompt.text }
  } catch (error) {
    return { success: false, error: error.message, confirmed: false, input: '', prompt: prompt.text }
  }
}

const result = await main()
process.stdin.destroy()
process.stdout.write(`${JSON.stringify(result)}\n`)
