// Reads a claim {amount, reason}.
// Input: the step's input, as JSON text
// Output: success, amount, reason, large
// Safety: pure
let text = ''
for await (const chunk of process.stdin) text += chunk
const { input } = JSON.parse(text)
const { amount, reason = '' } = typeof input === 'string' ? JSON.parse(input) : input
console.log(
  JSON.stringify(
    typeof amount === 'number'
      ? { success: true, amount, reason, large: amount > 100 }
      : { success: false, error: 'the amount is not a number' },
  ),
)
