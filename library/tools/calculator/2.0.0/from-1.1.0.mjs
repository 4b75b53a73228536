/** 2.0.0 takes a list where 1.1.0 took two numbers. */
export function migrate({ a, b, ...parameters }) {
  return { ...parameters, numbers: [a, b] }
}

export function rollback({ numbers, ...parameters }) {
  if (numbers.length !== 2) throw new Error(`1.1.0 takes two numbers, not ${numbers.length}`)
  const [a, b] = numbers
  return { ...parameters, a, b }
}
