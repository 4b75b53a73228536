// Adds numbers up.
// Input: parameters numbers (list), label (text)
// Output: success, label, total
// Safety: pure
const { numbers, label } = JSON.parse(process.env.AGENT_PARAMETERS)
const total = numbers.reduce((sum, number) => sum + number, 0)
// `success: false` is a failure with an output.
console.log(
  JSON.stringify(
    Number.isFinite(total) ? { success: true, label, total } : { success: false, error: 'not all of them are numbers' },
  ),
)
