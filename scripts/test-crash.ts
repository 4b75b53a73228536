/** `npm run test:crash -- [--kills N] [--payments N] [--tools N] [vitest options]`: everything that is done to a journal by force. */
import { parseCLI, startVitest } from 'vitest/node'

const rest = process.argv.slice(2)

/** Takes an option of ours out of the words that are meant for vitest. */
function takeNumber(name: string): string | undefined {
  const at = rest.findIndex((word) => word === name || word.startsWith(`${name}=`))
  if (at < 0) return undefined
  const [word = ''] = rest.splice(at, 1)
  const number = word.includes('=') ? word.slice(name.length + 1) : rest.splice(at, 1)[0]
  if (!/^[1-9]\d*$/.test(number ?? '')) throw new Error(`${name} needs a number, as in ${name} 300`)
  return number
}

process.env.KILLS = takeNumber('--kills') ?? process.env.KILLS ?? '100'
process.env.PAYMENT_KILLS = takeNumber('--payments') ?? process.env.KILLS
process.env.TOOL_KILLS = takeNumber('--tools') ?? process.env.KILLS
const { filter, options } = parseCLI(['vitest', 'run', 'test/crash', ...rest])
const vitest = await startVitest('test', filter, { ...options, watch: false })
let passed = 0
let failed = vitest.state.getUnhandledErrors().length
for (const file of vitest.state.getTestModules()) {
  if (file.errors().length > 0) failed += 1
  for (const test of file.children.allTests()) {
    if (test.result().state === 'passed') passed += 1
    if (test.result().state === 'failed') failed += 1
  }
}
await vitest.close()
console.log(`${passed} passed, ${failed} failed`)
if (failed > 0 || passed === 0) process.exitCode = 1
