/** One kind of thing an instruction can ask for, and the words by which a sentence shows it. */
export interface Aim {
  readonly name: string
  readonly asked: RegExp
  readonly shown: readonly RegExp[]
}

const NUMBER = /\p{Sc}\s?\d|\d\s?\p{Sc}|\d[\d.,]*\s?%|\b\d+(?:[.,:]\d+)*\b/u
const DATE =
  /\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b\d{1,2}:\d{2}\b|\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\s+\d|\b\d{1,2}\s+(?:january|february|march|april|may|june|july|august|september|october|november|december)\b/iu

/** In the order in which an answer takes them up. Each `shown` pattern that matches adds to a sentence's claim. */
const AIMS: readonly Aim[] = [
  {
    name: 'Decisions',
    asked: /\bdeci(?:de|ded|sion|sions)\b|\bagreed\b|\bagreements?\b/iu,
    shown: [
      /\b(?:decided|decision|agreed|approved|rejected|resolved to|settled on|chose|chosen|adopted|ruled out)\b/iu,
      /\bwe (?:will|won't|do not|shall)\b|\binstead of\b/iu,
    ],
  },
  {
    name: 'Actions',
    asked: /\bactions?\b|\bnext steps?\b|\bto-?dos?\b|\bfollow-?ups?\b|\btasks? to do\b/iu,
    shown: [
      /\b(?:will|must|should|shall|needs? to|has to|have to|to be done|todo|owns?|owner|assigned|responsible|follow up)\b/iu,
      /\b(?:by|before|until|due|deadline)\b[^.]{0,25}(?:\d|\b(?:monday|tuesday|wednesday|thursday|friday|week|month|quarter|end of)\b)/iu,
    ],
  },
  {
    name: 'Risks',
    asked:
      /\brisk|\bthreats?\b|\bhazard|\bconcern|\bdanger|\bweakness|\bfailure modes?\b|\bwhat could go wrong\b|\bproblems?\b/iu,
    shown: [
      /\b(?:risks?|risky|danger(?:ous)?|threat|vulnerab\w+|exposed?|single point of failure|unsafe|worse|worst|critical)\b/iu,
      /\b(?:may|might|could|would)\b[^.]{0,60}\b(?:not|fail|lose|lost|break|miss|repeat|again|exceed|overload|delay|block|leak|happen|confus|mislead|collide)\w*/iu,
      /\b(?:fail(?:s|ed|ure|ures)?|outage|lost|loss|corrupt\w*|missing|without|no longer|untested|never (?:been )?(?:tested|tried|rehearsed|checked)|depends? on|only one|nobody|no one)\b/iu,
    ],
  },
  {
    name: 'Open questions',
    asked: /\bquestions?\b|\bunknowns?\b|\bunclear\b|\bopen (?:points?|issues?)\b|\bgaps?\b/iu,
    shown: [
      /[?？؟]["'”’)]*\s*$/u,
      /\b(?:unclear|unknown|unresolved|undecided|open question|tbd|to be decided|not (?:yet )?(?:known|clear|decided|understood|settled)|remains? (?:open|to be)|(?:do|does|did) not know|whether)\b/iu,
    ],
  },
  {
    name: 'Numbers and dates',
    asked: /\bnumbers?\b|\bfigures?\b|\bdates?\b|\bstatistics?\b|\bmetrics?\b|\bamounts?\b|\bhow (?:many|much)\b/iu,
    shown: [NUMBER, DATE],
  },
  {
    name: 'Names',
    asked: /\bentit(?:y|ies)\b|\bnamed\b|\bwho is\b|\bpeople\b|\borgani[sz]ations?\b/iu,
    shown: [/(?<=\S\s)\p{Lu}[\p{L}\p{M}]+(?:\s\p{Lu}[\p{L}\p{M}]+)+/u, /(?<=[\p{Ll},;]\s)\p{Lu}[\p{L}\p{M}]{2,}/u],
  },
]

const SUMMARY = /\bsummar|\bkey points?\b|\bmain points?\b|\bgist\b|\boverview\b|\bbrief\b|\bhighlights?\b|\btl;?dr\b/iu
const NEW_TEXT =
  /\b(?:translate|rewrite|compose|generate|brainstorm|invent|implement|write (?:a |an |me |the )?(?:poem|story|song|essay|email|letter|code|function|program|script))\b/iu
const COUNT_WORDS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']
const COUNTED =
  /\b(\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten)\s+(?:[a-z-]+\s+){0,2}(?:points?|sentences?|bullets?|items?|risks?|actions?|questions?|quotes?|lines?)\b/iu

/** What the words ask for; empty when they name nothing in particular. */
export function findAims(instruction: string): readonly Aim[] {
  return AIMS.filter((aim) => aim.asked.test(instruction))
}

/** Words with which authors mark what matters. */
const MARKED =
  /\b(?:causes?d?|because|therefore|as a result|in total|above all|main|most important|conclusion|we propose|decided)\b/iu

/** Whether the author marked the sentence as important. */
export function isMarked(text: string): boolean {
  return MARKED.test(text)
}

/** Asks for a view of the whole, as opposed to one kind of thing. */
export function asksForSummary(instruction: string): boolean {
  return SUMMARY.test(instruction)
}

/** Asks for text that does not stand in the material. */
export function asksForNewText(instruction: string): boolean {
  return NEW_TEXT.test(instruction)
}

/** The number of points asked for, 1 to 20. "One sentence" in a long instruction speaks of each point, not of their number. */
export function readCount(instruction: string): number | undefined {
  const found = COUNTED.exec(instruction)?.[1]?.toLowerCase()
  if (found === undefined) return undefined
  const count = COUNT_WORDS.includes(found) ? COUNT_WORDS.indexOf(found) + 1 : Number(found)
  if (count === 1 && instruction.length > 200) return undefined
  return count >= 1 && count <= 20 ? count : undefined
}

/** How strongly a sentence shows the aim, 0 to 1. */
export function measureAim(aim: Aim, text: string): number {
  const hits = aim.shown.filter((pattern) => pattern.test(text)).length
  return hits === 0 ? 0 : 0.5 + (0.5 * hits) / aim.shown.length
}
