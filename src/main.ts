import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { answerQuickly } from './surfaces/cli/quick.ts'

const args = process.argv.slice(2)
const answer = answerQuickly(args)
if (answer === undefined) {
  // Run from sources, compiled code stays with the checkout; a published program has said its folder before (bin/llm-orc.js).
  enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url)))
  const { runProgram } = await import('./surfaces/cli/program.ts')
  process.exitCode = await runProgram(args)
} else {
  // A reader that has gone (`| head -1`) is no failure.
  process.stdout.on('error', () => {})
  process.stdout.write(answer)
}
