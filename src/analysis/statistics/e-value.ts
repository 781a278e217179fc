import type { Arm } from './arm.ts'

/** What is tolerated: the canary's risk may be (1 + tolerance) times the primary's, plus the margin. */
export interface Tolerance {
  /** 0.25 tolerates a quarter more. */
  readonly tolerance: number
  /** Share of requests; keeps a primary that never fails from making one failure a scandal. */
  readonly margin: number
}

export interface WindowCounts {
  readonly canary: Arm
  readonly primary: Arm
}

/** Multiples of the tolerated ratio that are looked for, as of a broken version. */
const HARMFUL_RATIOS = [1.5, 2, 3, 5, 8, 12] as const
/** Fractions of the tolerated ratio that are looked for, as of a version that is fine. */
const HARMLESS_RATIOS = [0.8, 0.6, 0.4, 0.2, 0.02] as const

export type EValues = readonly number[]

export const noHarm: EValues = HARMFUL_RATIOS.map(() => 0)
export const noSafety: EValues = HARMLESS_RATIOS.map(() => 0)

/** Log e-values of one window against "not worse than tolerated", one for each ratio that is looked for. */
export const harmOf = (counts: WindowCounts, tolerated: Tolerance): EValues =>
  HARMFUL_RATIOS.map((ratio) => logEValue(counts, tolerated, ratio))

/** Log e-values of one window against "worse than tolerated". */
export const safetyOf = (counts: WindowCounts, tolerated: Tolerance): EValues =>
  HARMLESS_RATIOS.map((ratio) => logEValue(counts, tolerated, ratio))

/**
 * The conditional binomial likelihood ratio: of all failures, which share should be the canary's? It is `p` at the
 * tolerated ratio and `q` at `ratio` times that, and traffic that rises or falls for both cancels out.
 *
 * Why it is an e-value: with a = q/p, b = (1-q)/(1-p) and independent requests of risks r and s, its mean is at most
 * exp(n r (a-1) + m s (b-1) - n margin (a-1)), since 1+x <= exp(x). At the tolerated limit r = (1+tolerance) s + margin
 * the exponent is s (n (1+tolerance) (a-1) + m (b-1)), which is 0 by the choice of p; on the tolerated side (a > 1), or
 * the intolerable one (a < 1), it is smaller. Requests may differ in risk: only the means matter.
 */
function logEValue({ canary, primary }: WindowCounts, { tolerance, margin }: Tolerance, ratio: number): number {
  if (canary.requests <= 0 || primary.requests <= 0) return 0
  const exposure = canary.requests * (1 + tolerance)
  const p = exposure / (exposure + primary.requests)
  const q = (exposure * ratio) / (exposure * ratio + primary.requests)
  const a = q / p
  const b = (1 - q) / (1 - p)
  return canary.failures * Math.log(a) + primary.failures * Math.log(b) - canary.requests * margin * (a - 1)
}

/** The log of the mean of e-values: mixing keeps an e-value one, and finds whichever ratio is the true one. */
export function mixture(logs: EValues): number {
  const largest = Math.max(...logs)
  const sum = logs.reduce((total, log) => total + Math.exp(log - largest), 0)
  return largest + Math.log(sum / logs.length)
}
