// Reads orders from CSV text.
// Input: the step's input, a header line and lines of item,cents
// Output: success, items (texts), cents (whole numbers)
// Safety: pure
let text = ''
for await (const chunk of process.stdin) text += chunk
const { input } = JSON.parse(text)
const rows = input
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(','))
console.log(
  JSON.stringify({ success: true, items: rows.map(([item]) => item), cents: rows.map(([, cents]) => Number(cents)) }),
)
