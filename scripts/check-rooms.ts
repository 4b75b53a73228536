import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import { findCycle } from './cycle.ts'
import { type Finding, listFiles, reportFindings } from './finding.ts'
import { type Import, type ModuleSource, readModule } from './module-source.ts'
import { HOUSE, type House } from './rooms.ts'

const LINE_STOP = 400
const NOT_NOUNS = /^(manager|service|helper|util|factory|base|impl|handler|coordinator)s?$/i
const NODE_ONLY =
  /^(process|Buffer|__dirname|__filename|global|setImmediate|clearImmediate|import\.meta\.(dirname|filename))$/
const CLOCK_OR_CHANCE =
  /^(Date\.now|new Date\(\)|performance\.now|Math\.random|crypto\.\w+|fetch|setTimeout|setInterval|queueMicrotask)$/

/** Checks doors, cycles, Node-free rooms, names and lengths of everything below `src`. */
export function checkRooms(src: string, house: House = HOUSE): Finding[] {
  const findings: Finding[] = []
  const modules = new Map<string, ModuleSource>()
  for (const file of listFiles(src, '.ts')) {
    const module = readModule(file, readFileSync(join(src, file), 'utf8'))
    modules.set(file, module)
    const say = (line: number, message: string): void => void findings.push({ file: `src/${file}`, line, message })
    const visit: Visit = { src, house, file, room: roomOf(file), module, say }
    checkNames(visit)
    checkLength(visit)
    if (isTest(file)) continue
    checkPlace(visit)
    for (const entry of module.imports) {
      if (entry.from.startsWith('.')) checkDoor(visit, entry)
      else if (isBuiltin(entry.from)) checkBuiltin(visit, entry)
      else checkPackage(visit, entry)
    }
    if (house.rooms[visit.room]?.pure) checkPurity(visit)
  }
  const cycle = findCycle(
    new Map([...modules].map(([file, { imports }]) => [file, imports.map(({ from }) => resolveImport(file, from))])),
  )
  if (cycle) {
    const message = `import cycle: ${cycle.join(' -> ')}; move what both need into a file of its own`
    findings.push({ file: `src/${cycle[0]}`, line: 1, message })
  }
  return findings
}

/** One file being looked at. */
interface Visit {
  readonly src: string
  readonly house: House
  readonly file: string
  /** Empty for files directly in src/. */
  readonly room: string
  readonly module: ModuleSource
  say(line: number, message: string): void
}

/** Tests, their fixture programs and the contract suites may reach across rooms. */
function isTest(file: string): boolean {
  return /\.(test|fixture|contract)\.ts$/.test(file)
}

function roomOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : ''
}

function resolveImport(file: string, from: string): string {
  return from.startsWith('.') ? posix.normalize(posix.join(posix.dirname(file), from)) : from
}

function checkNames({ file, module, say }: Visit): void {
  const bad = file.split(/[/.-]/).find((word) => NOT_NOUNS.test(word))
  if (bad) say(1, `"${bad}" in a name hides the noun that should have been found; say what the file holds`)
  for (const { name, line } of module.classes) {
    const word = name.split(/(?=[A-Z])/).find((part) => NOT_NOUNS.test(part))
    if (word) say(line, `class ${name}: "${word}" hides the noun that should have been found; say what it is`)
  }
  if (module.hasDefaultExport) say(1, 'default export; export it by its name')
  if (file.endsWith('/index.ts')) say(1, 'index file; import from the file that owns the name instead')
}

function checkLength({ file, module, house, say }: Visit): void {
  if (module.lines <= LINE_STOP || file.endsWith('.generated.ts') || house.long[file]) return
  const advice = `split it by nouns (the stop is ${LINE_STOP}), or name it with a reason in scripts/rooms.ts`
  say(LINE_STOP, `${module.lines} lines; ${advice}`)
}

function checkPlace({ file, room, house, say }: Visit): void {
  if (room && !house.rooms[room])
    say(1, `there is no room "${room}"; add it to scripts/rooms.ts with what it may import`)
  if (!room && !house.doors.includes(file)) {
    say(1, `only ${house.doors.join(', ')} stand directly in src/; move it into a room`)
  }
}

function checkDoor({ src, house, file, room, say }: Visit, entry: Import): void {
  if (!room) return
  const { line } = entry
  const target = resolveImport(file, entry.from)
  if (entry.isReexport) say(line, `re-export of ${target}; only the doors (${house.doors.join(', ')}) re-export`)
  if (target.startsWith('../')) {
    if (target !== '../package.json') say(line, `imports ${entry.from}, which lies outside src/`)
    return
  }
  if (!existsSync(join(src, target))) return say(line, `imports ${target}, which does not exist`)
  const may = house.rooms[room]?.may ?? []
  if (roomOf(target) === room || may.includes(roomOf(target))) return

  const permission = may.find((one) => typeof one !== 'string' && one.file === target)
  if (!permission || typeof permission === 'string') {
    const open = may.map((one) => (typeof one === 'string' ? `${one}/` : `${one.file} (types)`))
    return say(line, `${room}/ may not import ${target}; it may import ${open.join(', ') || 'nothing'}`)
  }
  const taken = entry.values.filter((name) => !permission.values?.includes(name))
  if (taken.length > 0) {
    say(line, `${room}/ may take only types from ${target}, not ${taken.join(', ')}; use "import type"`)
  }
}

function checkBuiltin({ house, file, room, say }: Visit, { from, line }: Import): void {
  if (!from.startsWith('node:')) say(line, `import Node's "${from}" as "node:${from}"`)
  if (house.rooms[room]?.pure) {
    return say(line, `${room}/ has no Node; take what ${from} gives as an argument, or move this file`)
  }
  const owners = house.builtins[from]
  if (owners && !isIn(file, owners)) say(line, `${from} is imported only in ${owners.join(', ')}; ask there instead`)
}

function checkPackage({ house, file, say }: Visit, { from, line, isLazy, values }: Import): void {
  const name = from.split('/', from.startsWith('@') ? 2 : 1).join('/')
  const rule = house.packages[name]
  if (!rule) return say(line, `the package ${name} has no place yet; name the file that owns it in scripts/rooms.ts`)
  if (!isIn(file, rule.in)) say(line, `${name} is imported only in ${rule.in.join(', ')}; ask there instead`)
  if (rule.lazy && !isLazy && values.length > 0) say(line, `${name} is loaded lazily: await import('${from}')`)
}

function isIn(file: string, places: readonly string[]): boolean {
  return places.some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place))
}

function checkPurity({ module, say }: Visit): void {
  for (const { name, line } of module.reaches) {
    if (NODE_ONLY.test(name)) {
      say(line, `"${name}" is Node's; this room also runs in browsers, take what you need as an argument`)
    }
    if (CLOCK_OR_CHANCE.test(name) && !module.allowed.has(line)) {
      say(line, `"${name}" cannot be replayed; take it as an argument (or say why: // rooms: allow REASON)`)
    }
  }
}

if (import.meta.main) {
  const src = join(import.meta.dirname, '..', 'src')
  reportFindings(checkRooms(src), `${listFiles(src, '.ts').length} files, every door in order`)
}
