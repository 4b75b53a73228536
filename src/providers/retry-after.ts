const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d{2}:\d{2}:\d{2}/i

/**
 * How long a server asks to wait, in ms from `now`; absent for anything that is not clearly a time. A long wait is reported
 * as it is: the engine owns the cap. A date that has passed is 0.
 */
export function readRetryAfter(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  const exact = readNumber(headers['retry-after-ms'])
  if (exact !== undefined) return Math.ceil(exact)
  const value = headers['retry-after']?.trim()
  const seconds = readNumber(value)
  if (seconds !== undefined) return Math.ceil(seconds * 1000)
  if (value === undefined || !HTTP_DATE.test(value)) return undefined
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** Some vendors put the delay into the error body instead (`"retryDelay": "34s"`). */
export function readRetryDelay(body: string): number | undefined {
  const seconds = /"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"/.exec(body)?.[1]
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1000)
}

function readNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*\d{1,12}(\.\d+)?\s*$/.test(text)) return undefined
  return Number(text)
}
