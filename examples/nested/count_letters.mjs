// Counts letters; the words are counted already.
// Input: the step's input; parameters words (text)
// Output: success, words, letters
// Safety: pure
const { words } = JSON.parse(process.env.AGENT_PARAMETERS)
const letters = (process.env.INPUT_TEXT ?? '').match(/\p{L}/gu)?.length ?? 0
console.log(JSON.stringify({ success: true, words: Number(words), letters }))
