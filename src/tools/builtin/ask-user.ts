import { type Builtin, failBuiltin, objectSchema } from './builtin.ts'

/** The question becomes an effect `ask` of the run, which may rest until somebody answers; so there is nothing to run here. */
export const askUserTool: Builtin = {
  name: 'ask_user',
  version: '1.0.0',
  description:
    'Asks the person for whom the work is done and waits for the answer, however long that takes. Ask only what you cannot find out yourself, one thing at a time.',
  input_schema: objectSchema(
    {
      question: { type: 'string', minLength: 1, maxLength: 4000 },
      options: {
        type: 'array',
        items: { type: 'string', minLength: 1, maxLength: 200 },
        maxItems: 10,
        description: 'Answers to choose from; usually none.',
      },
    },
    ['question'],
  ),
  output_schema: { type: 'string' },
  safety: 'pure',
  permissions: {},
  run: async () => failBuiltin('needs_terminal', 'a question can only be asked within a run'),
}
