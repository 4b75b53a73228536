/** Kills victims at random times until there were so many kills, and checks each run at its end. */
import { Course, type CourseOptions, createTally, type Tally } from './course.ts'

const LIVES = 60

/** ms within which a kill comes after the first event shown. */
const WITHIN = 80

export async function killUntil(
  kills: number,
  how: Omit<CourseOptions, 'tally'> & { readonly random: () => number },
): Promise<Tally> {
  const tally = createTally()
  while (tally.kills < kills) {
    const course = new Course({ ...how, tally })
    for (let life = 0; life < LIVES && tally.kills < kills; life++)
      if ((await course.live({ violence: { killAfter: how.random() * WITHIN } })) === 'finished') break
    await course.finish()
  }
  return tally
}
