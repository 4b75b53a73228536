/** A green run must prove that nothing needed a key or the user's own files: every key and home variable is removed first. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

for (const name of Object.keys(process.env)) {
  if (name === 'LLM_ORC_VERIFY_RUNS') continue
  if (/_API_KEY$|_TOKEN$|^LLM_ORC|^AI3_|^OLLAMA_HOST$/.test(name)) delete process.env[name]
}
const home = mkdtempSync(join(tmpdir(), 'llm-orc-test-home-'))
process.env.HOME = home
process.env.XDG_CONFIG_HOME = join(home, 'config')
process.env.XDG_DATA_HOME = join(home, 'data')
process.env.XDG_STATE_HOME = join(home, 'state')
process.env.XDG_CACHE_HOME = join(home, 'cache')
