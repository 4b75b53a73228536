import { type CodeReading, isTestPath, type Topic } from './code.ts'

const ASKED: readonly { readonly topic: Topic; readonly asked: RegExp }[] = [
  { topic: 'correctness', asked: /\bcorrect|\bbugs?\b|\blogic\b|\berrors?\b|\bedge cases?\b|\bbehaviou?r/iu },
  { topic: 'security', asked: /\bsecur|\bvulnerab|\binjection\b|\bsecrets?\b|\battack/iu },
  {
    topic: 'upkeep',
    asked: /\bmaintain|\bread(?:able|ability)\b|\btest(?:s|ed|ing)?\b|\bstyle\b|\bnaming\b|\bquality\b/iu,
  },
]
const FINDING_LIMIT = 20

/** What the patterns found, for the topics the instruction names (all, when it names none). */
export function reviewCode({ files, lines, findings }: CodeReading, instruction: string): string[] {
  const named = ASKED.filter(({ asked }) => asked.test(instruction)).map(({ topic }) => topic)
  const topics = named.length > 0 ? named : ASKED.map(({ topic }) => topic)
  const found = findings.filter(({ topic }) => topics.includes(topic))
  const bullets = found
    .slice(0, FINDING_LIMIT)
    .map(({ what, text, where }) => `- ${what}: "${text.length > 200 ? `${text.slice(0, 200)} …` : text}" (${where})`)
  const more = found.length > FINDING_LIMIT ? [`… and ${found.length - FINDING_LIMIT} more`] : []
  const nothing = `No line matches the patterns for ${topics.join(', ')}. That is not a proof that nothing is wrong.`
  const untested = topics.includes('upkeep') && files.length > 0 && !files.some(({ path }) => isTestPath(path))
  return [
    ...(files.length === 0 ? [`${lines} line(s) of code.`] : describeFiles(files)),
    `Findings (${topics.join(', ')}):`,
    ...(bullets.length > 0 ? [...bullets, ...more] : [nothing]),
    ...(untested ? ['- no test file is among the changed files'] : []),
  ]
}

function describeFiles(files: CodeReading['files']): string[] {
  const added = files.reduce((sum, file) => sum + file.added, 0)
  const removed = files.reduce((sum, file) => sum + file.removed, 0)
  const shown = files.slice(0, 30).map((file) => `- ${file.path}: +${file.added} −${file.removed}`)
  const more = files.length > 30 ? [`… and ${files.length - 30} more`] : []
  return [`${files.length} file(s) changed, ${added} line(s) added, ${removed} removed:`, ...shown, ...more]
}
