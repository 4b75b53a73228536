import type { Spent } from './usage.ts'

/** `0.42s`, `12.3s`, `3m 04s`, `2h 05m`. */
export function formatDuration(ms: number): string {
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)}s`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${pad(seconds % 60)}s`
  return `${Math.floor(seconds / 3600)}h ${pad(Math.floor(seconds / 60) % 60)}m`
}

/** Nano-dollars as dollars, with as many digits as a small amount needs. */
export function formatCost(nano: number): string {
  const dollars = nano / 1e9
  if (dollars === 0) return '$0'
  if (Math.abs(dollars) >= 0.995) return `$${dollars.toFixed(2)}`
  const digits = Math.min(9, 2 - Math.floor(Math.log10(Math.abs(dollars))))
  return `$${dollars.toFixed(digits).replace(/(\.\d\d\d*?)0+$/, '$1')}`
}

/** 1234567 as `1,234,567`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** What is known of a cost, honestly: `$0.01`, `at least $0.01`, `unknown`; `-` where no paid call was made. */
export function describeCost(spent: Spent): string {
  if (spent.cost === undefined) return spent.unpriced > 0 ? 'unknown' : '-'
  return spent.unpriced > 0 ? `at least ${formatCost(spent.cost)}` : formatCost(spent.cost)
}

/** `1,200 in (800 cached), 340 out`: of the input, what the provider had in its own cache; `-` where no call was made, `unknown` where nobody told. */
export function describeTokens(spent: Spent): string {
  if (spent.input === undefined && spent.output === undefined) return spent.unmetered > 0 ? 'unknown' : '-'
  const cached = spent.cached ? ` (${formatCount(spent.cached)} cached)` : ''
  const told = [
    spent.input === undefined ? '' : `${formatCount(spent.input)} in${cached}`,
    spent.output === undefined ? '' : `${formatCount(spent.output)} out`,
  ]
  return (spent.unmetered > 0 ? 'at least ' : '') + told.filter((part) => part !== '').join(', ')
}

function pad(number: number): string {
  return String(number).padStart(2, '0')
}
