import { answerQuickly } from './surfaces/cli/quick.ts'

const args = process.argv.slice(2)
const answer = answerQuickly(args)
if (answer === undefined) {
  const { runProgram } = await import('./surfaces/cli/program.ts')
  process.exitCode = await runProgram(args)
} else {
  // A reader that has gone (`| head -1`) is no failure.
  process.stdout.on('error', () => {})
  process.stdout.write(answer)
}
