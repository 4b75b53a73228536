import { type Refusal, type TierReport } from './sandbox.ts'
import { TIERS } from './tier-name.ts'

/** What is not there, and how to get it. */
export function describeMissing({
  tier,
  missing = [],
  state,
}: Pick<TierReport, 'tier' | 'missing' | 'state'>): Refusal {
  if (state === 'untested')
    return {
      code: 'sandbox_missing',
      message: `the sandbox ${tier} is not part of this version`,
      hint: `See what is there with: llm-orc sandbox list. Tiers: ${TIERS.join(', ')}`,
    }
  const packages = [...new Set(missing.flatMap((name) => PACKAGES[name] ?? []))]
  return {
    code: 'sandbox_missing',
    message: `the sandbox ${tier} needs ${missing.join(' and ')}, which is not here`,
    hint:
      packages.length > 0
        ? `On Debian: apt-get install ${packages.join(' ')}`
        : 'Allow a weaker one by name with the setting sandbox.fallback, if that is what you want',
  }
}

const PACKAGES: { readonly [program: string]: string } = {
  bwrap: 'bubblewrap',
  socat: 'socat',
  prlimit: 'util-linux',
  setpriv: 'util-linux',
  python3: 'python3',
}
