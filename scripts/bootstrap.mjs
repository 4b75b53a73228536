// Runs before `npm run demo`, `npm test` and their like, on whatever Node the machine has: installs what
// package-lock.json lists when node_modules is missing or stale. Plain JavaScript for old Nodes, no dependencies.
// It stands in npm's `pre` scripts, never as `node bootstrap && node program` in one line: shells remember where they
// found the first `node` and would start the second one with the machine's Node instead of the pinned one.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

if (!isInstalled()) install()
pinRuntime()

/** npm leaves what it installed in node_modules/.package-lock.json; a cut install leaves none. */
function isInstalled() {
  const wanted = readPackages(join(root, 'package-lock.json'))
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'))
  const isSame = Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true
    const there = present[path]
    return there ? there.version === entry.version : entry.optional === true || entry.devOptional === true
  })
  return isSame && existsSync(join(root, 'node_modules', 'node', 'bin'))
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages || {}
  } catch {
    return {}
  }
}

/** Not `npm ci`: it refuses a lock file that was written where the packages of other platforms could not be read. */
function install() {
  console.error('Installing the packages of package-lock.json (once; it may take a minute) ...')
  const words = ['install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = process.env.npm_execpath
  const options = { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] }
  const done = npm
    ? spawnSync(process.execPath, [npm, ...words], options)
    : spawnSync('npm', words, { ...options, shell: process.platform === 'win32' })
  if (done.status === 0 && isInstalled()) return
  console.error('The packages could not be installed. Check that the package registry can be reached, then try again.')
  process.exit(1)
}

/** The second Node, for tests across versions, brings a program named `node` as well; npm links the one it touched last. */
function pinRuntime() {
  if (process.platform === 'win32') return
  const link = join(root, 'node_modules', '.bin', 'node')
  const wanted = '../node/bin/node'
  if (existsSync(link) && readlinkSync(link) === wanted) return
  rmSync(link, { force: true })
  symlinkSync(wanted, link)
}
