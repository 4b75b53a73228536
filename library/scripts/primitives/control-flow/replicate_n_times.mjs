// Primitive: control-flow/replicate_n_times
// Input: replications (1), seed (whole number; without it one is drawn)
// Output: success, replications [{replication_id from 0, total_replications, random_seed}], total_replications, base_seed
// Depends: Node 20 or newer, nothing else
// Safety: pure

import { randomInt } from 'node:crypto'

const MOST = 100_000

async function readCall() {
  let text = ''
  if (!process.stdin.isTTY) for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  const call = text.trim() === '' ? {} : JSON.parse(text)
  return { parameters: call.parameters ?? JSON.parse(process.env.AGENT_PARAMETERS || '{}'), input: call.input }
}

function readInteger(value, name) {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (!Number.isSafeInteger(number)) throw new Error(`${name} must be a whole number`)
  return number
}

async function main() {
  try {
    const { parameters } = await readCall()
    const total = readInteger(parameters.replications ?? 1, 'replications')
    if (total < 0 || total > MOST) throw new Error(`replications must be between 0 and ${MOST}`)
    const base = readInteger(parameters.seed ?? randomInt(2 ** 31), 'seed')
    const replications = Array.from({ length: total }, (_, id) => ({
      replication_id: id,
      total_replications: total,
      random_seed: base + id,
    }))
    return { success: true, replications, total_replications: total, base_seed: base }
  } catch (error) {
    return { success: false, error: error.message }
  }
}

process.stdout.write(`${JSON.stringify(await main())}\n`)
