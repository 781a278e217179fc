/** Successes or failures among trials: the interval in which Wilson's score test finds their share plausible. */
export interface ShareInterval {
  readonly lower: number
  readonly upper: number
}

/** Wilson's score interval; everything is plausible without trials. `z` is the normal quantile of one side. */
export function wilsonInterval(count: number, trials: number, z: number): ShareInterval {
  if (trials <= 0) return { lower: 0, upper: 1 }
  const share = count / trials
  const weight = (z * z) / trials
  const centre = share + weight / 2
  const reach = z * Math.sqrt((share * (1 - share)) / trials + weight / (4 * trials))
  // Rounding must not push 0 of n above 0, nor n of n below 1.
  const lower = count <= 0 ? 0 : Math.max(0, (centre - reach) / (1 + weight))
  const upper = count >= trials ? 1 : Math.min(1, (centre + reach) / (1 + weight))
  return { lower, upper }
}
