const OPERATIONS = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  power: (a, b) => a ** b,
}

export function run({ operation, numbers, decimals }) {
  const result = numbers.reduce(OPERATIONS[operation])
  if (!Number.isFinite(result)) throw new Error(`${operation} of ${numbers.join(', ')} has no result`)
  return { result: decimals === undefined ? result : Number(result.toFixed(decimals)) }
}
