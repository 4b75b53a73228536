import type { listProfiles } from '../../../app/operations/profiles.ts'
import type { listLimits, listProviders, testProvider } from '../../../app/operations/providers.ts'
import { formatDuration } from '../../../events/views/amounts.ts'
import { cleanLine, cleanText } from '../../../events/views/clean.ts'
import { renderProblems } from '../render/problem.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type ResultOf, type Show } from './page.ts'

export const showProviders: Show<ResultOf<typeof listProviders>> = ({ providers, default: chosen }, page) => {
  const rows = providers.map(({ provider, available, reason, models }) => [
    provider,
    available ? 'yes' : 'no',
    reason,
    models?.join(', ') ?? '',
  ])
  const table = renderTable(
    [{ title: 'provider' }, { title: 'usable' }, { title: 'why' }, { title: 'models' }],
    rows,
    page,
  )
  const note = `default: ${cleanLine(chosen.why)}`
  return page.rich ? { text: joinBlocks(table, note) } : { text: table, aside: note }
}

export const showProviderTest: Show<ResultOf<typeof testProvider>> = (result, { style }) => {
  const who = `${cleanLine(result.provider)}/${cleanLine(result.model)}`
  if (!('code' in result)) {
    const head = `${style.paint('green', 'answers')}  ${who}  ${formatDuration(result.ms)}`
    return { text: joinBlocks(head, cleanText(result.text).trimEnd()) }
  }
  const detail = typeof result.detail === 'string' ? cleanText(result.detail) : ''
  return {
    text: joinBlocks(`${style.paint('red', 'fails')}  ${who}  ${result.code}: ${cleanLine(result.message)}`, detail),
  }
}

export const showLimits: Show<ResultOf<typeof listLimits>> = ({ limits, breakers }, page) => {
  if (limits.length === 0 && breakers.length === 0) return { text: '', aside: 'No provider has limits.' }
  const share = (used: number, most: number | undefined) => (most === undefined ? String(used) : `${used} of ${most}`)
  const rows = limits.map(({ provider, state }) => [
    provider,
    share(state.used.requests, state.limits?.requests),
    share(state.used.tokens, state.limits?.tokens),
    formatDuration(state.limits?.window_ms ?? 0),
    String(state.waiting),
    state.pause_ms > 0 ? formatDuration(state.pause_ms) : '',
  ])
  const titles = ['provider', 'calls', 'tokens', 'window', 'waiting', 'nobody calls for']
  const table =
    rows.length === 0
      ? ''
      : renderTable(
          titles.map((title) => ({ title })),
          rows,
          page,
        )
  const states = breakers.map(({ name, state, probe_in_ms: left }) => [
    name,
    left === undefined ? state : `${state}, tried again in ${formatDuration(left)}`,
  ])
  const models = states.length === 0 ? '' : renderTable([{ title: 'model' }, { title: 'breaker' }], states, page)
  return { text: joinBlocks(table, models) }
}

export const showProfiles: Show<ResultOf<typeof listProfiles>> = ({ profiles, problems }, page) => {
  const aside = problems.length > 0 ? renderProblems(problems, page.style) : ''
  if (profiles.length === 0)
    return {
      text: '',
      aside: joinBlocks(aside, 'No model profiles are defined. Agents that name none use the default provider.'),
    }
  const rows = profiles.map(({ name, provider, model, source, ...rest }) => [
    name,
    provider,
    model,
    'fallback' in rest ? String(rest.fallback) : '',
    source,
  ])
  return {
    text: renderTable(
      [{ title: 'profile' }, { title: 'provider' }, { title: 'model' }, { title: 'falls back to' }, { title: 'from' }],
      rows,
      page,
    ),
    aside,
  }
}
