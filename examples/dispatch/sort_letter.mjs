// Says what a letter is about.
// Input: the step's input
// Output: success, kind, letter
// Safety: pure
const letter = process.env.INPUT_TEXT ?? ''
const kind = /invoice|bill/i.test(letter) ? 'billing' : /broken|late/i.test(letter) ? 'complaint' : 'unknown'
console.log(JSON.stringify({ success: true, kind, letter }))
