// Splits a list written with commas.
// Input: the step's input
// Output: success, words
// Safety: pure
const words = (process.env.INPUT_TEXT ?? '').split(',').map((word) => word.trim().toLowerCase())
console.log(JSON.stringify({ success: true, words }))
