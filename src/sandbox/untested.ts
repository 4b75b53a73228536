import { PROMISES } from './promises.ts'
import { notStarted, type Sandbox } from './sandbox.ts'
import { type TierName } from './tier-name.ts'

const ABOUT: { readonly [tier in 'srt' | 'container' | 'gvisor']: { readonly made_of: string; readonly not: string } } =
  {
    srt: {
      made_of: 'the sandbox runtime of another vendor, over bubblewrap',
      not: 'everything: it is not wired and not tried',
    },
    container: {
      made_of: 'runc, podman or docker with a root of its own',
      not: 'everything: it is not wired and not tried',
    },
    gvisor: { made_of: 'a kernel in user space', not: 'everything: it is not wired and not tried' },
  }

/** A tier that is known by name, so that asking for it is refused and never becomes something weaker. */
export function untestedTier(tier: TierName & keyof typeof ABOUT): Sandbox {
  return {
    describe: async () => ({
      tier,
      ...ABOUT[tier],
      state: 'untested',
      promises: PROMISES[tier],
      missing: ['an adapter that was tried'],
    }),
    run: async () =>
      notStarted(tier, {
        refusal: { code: 'sandbox_missing', message: `the sandbox ${tier} is not part of this version` },
      }),
  }
}
