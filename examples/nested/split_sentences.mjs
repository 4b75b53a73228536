// Splits a text into sentences.
// Input: the step's input
// Output: success, sentences
// Safety: pure
const sentences = (process.env.INPUT_TEXT ?? '').match(/[^.!?]+[.!?]/g) ?? []
console.log(JSON.stringify({ success: true, sentences: sentences.map((sentence) => sentence.trim()) }))
