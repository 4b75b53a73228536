// A source that fails the first time it is asked in a run.
// Output: success, rate
// Safety: idempotent
import { existsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const asked = join(tmpdir(), `asked-${process.env.LLM_ORC_RUN}`)
if (!existsSync(asked)) {
  writeFileSync(asked, '')
  console.error('the source is not ready')
  process.exit(1)
}
console.log(JSON.stringify({ success: true, rate: 1.25 }))
