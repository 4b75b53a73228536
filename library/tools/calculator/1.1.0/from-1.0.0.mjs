/** 1.1.0 takes what 1.0.0 took. */
export function migrate(parameters) {
  return parameters
}

export function rollback({ decimals, ...parameters }) {
  if (decimals !== undefined) throw new Error('1.0.0 does not round')
  if (parameters.operation === 'power') throw new Error('1.0.0 knows no power')
  return parameters
}
