/** Results of bisecting and upgrading in which every foreign word is `said`. */
export function makeBisection(said: string) {
  return {
    between: 'runs',
    a: { run: 'a', status: 'succeeded', events: 9 },
    b: { run: said, status: 'failed', events: 9 },
    shared: 4,
    same: false,
    same_end: false,
    cause: {
      kind: 'answer',
      step: said,
      a: { seq: 5, type: 'effect-done' },
      b: { seq: 6, type: 'effect-done' },
      words: said,
      differences: [{ path: said, a: said, b: undefined }],
    },
    chain: [{ words: 'cause' }, { a: 7, words: said }],
    also: [{ kind: 'input', words: said, a: { seq: 1, type: 'run-started' }, differences: [] }],
    others: 3,
  }
}

export function makeUpgradeCheck(said: string) {
  const step = { step: said, progress: 'ended', change: 'settings', verdict: 'diverges', words: said, differences: [] }
  return {
    upgraded: false,
    run: 'r1',
    definition: said,
    ok: false,
    verdict: 'diverges',
    divergence: { event: 5, type: 'effect-intended', step: said, words: said, differences: [] },
    steps: [step],
    reasons: [said],
  }
}
