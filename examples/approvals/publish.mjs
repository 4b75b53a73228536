// Puts the notice on the board. What is on it has been read by somebody.
import { appendFileSync } from 'node:fs'

let input = ''
for await (const chunk of process.stdin) input += chunk
const { notice } = JSON.parse(input).dependencies.check.output
appendFileSync('board.txt', `${notice}\n`)
console.log(JSON.stringify({ success: true, published: notice }))
