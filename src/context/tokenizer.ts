/** Families whose vocabulary is o200k, by the last part of a model's name. */
const O200K = /^(gpt-4o|gpt-4\.1|gpt-4\.5|gpt-5|gpt-oss|chatgpt-4o|o[134](-|$))/

/** The vocabulary that counts exactly for a model, where it is known. */
export function tokenizerOf(model: string): 'o200k' | undefined {
  return O200K.test(model.slice(model.lastIndexOf('/') + 1)) ? 'o200k' : undefined
}
