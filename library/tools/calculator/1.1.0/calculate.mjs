const OPERATIONS = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  power: (a, b) => a ** b,
}

export function run({ operation, a, b, decimals }) {
  const result = OPERATIONS[operation](a, b)
  if (!Number.isFinite(result)) throw new Error(`${operation} of ${a} and ${b} has no result`)
  return { result: decimals === undefined ? result : Number(result.toFixed(decimals)) }
}
