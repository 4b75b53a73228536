import { expect, it } from 'vitest'
import { readRoles } from './roles.ts'
import { makeWorld } from './world.fixture.ts'

it('reads the roles of all levels, the nearest first, and reports the wrong ones', async () => {
  const world = await makeWorld({
    '@/roles/critic.yaml': 'name: critic\nprompt: Be strict.\ncontext: A review.\n',
    '@/roles/unnamed.yml': 'prompt: From the file name.\n',
    '@/roles/bad.yaml': 'name: bad\n',
    '@/roles/empty.yaml': '',
    '@/roles/broken.yaml': 'a: [',
    '~/roles/critic.yaml': 'name: critic\nprompt: Far.\n',
    '~/roles/other.yaml': 'name: other\nprompt: Other.\n',
  })
  const { roles, problems } = await readRoles(await world.config())
  expect([...roles.values()].map(({ name, prompt, level }) => [name, prompt, level])).toEqual([
    ['critic', 'Be strict.', 'project'],
    ['unnamed', 'From the file name.', 'project'],
    ['other', 'Other.', 'user'],
  ])
  expect(roles.get('critic')?.context).toBe('A review.')
  expect(problems.map(({ code, file }) => [code, file])).toEqual(
    ['bad', 'broken', 'empty'].map((name) => ['config_invalid', world.at(`@/roles/${name}.yaml`)]),
  )
})
