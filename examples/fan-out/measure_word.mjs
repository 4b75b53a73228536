// Measures one item of a list.
// Input: {item, chunk_index, total_chunks}
// Output: success, word, letters, place
// Safety: pure
let text = ''
for await (const chunk of process.stdin) text += chunk
const { item, chunk_index, total_chunks } = JSON.parse(text).input
console.log(
  JSON.stringify({ success: true, word: item, letters: item.length, place: `${chunk_index + 1} of ${total_chunks}` }),
)
