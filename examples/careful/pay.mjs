// Pays, then takes as many seconds as the input says.
// Output: success, paid
import { appendFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

appendFileSync('payments.log', `paid in the run ${process.env.LLM_ORC_RUN}\n`)
await setTimeout(Number(process.env.INPUT_DATA) * 1000)
console.log(JSON.stringify({ success: true, paid: 1 }))
