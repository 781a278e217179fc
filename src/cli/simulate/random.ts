/** A number from 0 up to 1. */
export type Random = () => number

/** A small generator of good quality (mulberry32): the same seed gives the same numbers. */
export function seededRandom(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    const mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    const again = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((again ^ (again >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** How many of events that come by themselves, on average `mean`. */
export function poisson(mean: number, random: Random): number {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)))
  const limit = Math.exp(-mean)
  let count = 0
  for (let product = random(); product > limit; product *= random()) count += 1
  return count
}

const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

/** How many of `trials` hit, each with the chance `share`; counted by the gaps between the rarer kind. */
export function binomial(trials: number, share: number, random: Random): number {
  if (share <= 0 || trials <= 0) return 0
  if (share >= 1) return trials
  if (share > 0.5) return trials - binomial(trials, 1 - share, random)
  let count = 0
  const gap = () => Math.floor(Math.log(1 - random()) / Math.log(1 - share))
  for (let position = gap(); position < trials; position += 1 + gap()) count += 1
  return count
}

/** Chance that a normal variable is at most `z` (Abramowitz and Stegun 26.2.17: off by less than 1e-7). */
export function normalShareBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
  const [a, b, c, d, e] = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429] as const
  const tail = density * t * (a + t * (b + t * (c + t * (d + t * e))))
  return z >= 0 ? 1 - tail : tail
}
