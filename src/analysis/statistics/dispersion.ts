import type { Arm } from './arm.ts'

/** Sums over the primary's windows, from which it can be told how much its failures come in bursts. */
export interface Dispersion {
  readonly requests: number
  readonly failures: number
  readonly squaredRequests: number
  readonly squaredFailures: number
  readonly products: number
}

export const noDispersion: Dispersion = {
  requests: 0,
  failures: 0,
  squaredRequests: 0,
  squaredFailures: 0,
  products: 0,
}

export const addToDispersion = (sums: Dispersion, { requests, failures }: Arm): Dispersion => ({
  requests: sums.requests + requests,
  failures: sums.failures + failures,
  squaredRequests: sums.squaredRequests + requests * requests,
  squaredFailures: sums.squaredFailures + failures * failures,
  products: sums.products + requests * failures,
})

/** What is believed before the primary has shown anything: failure shares vary as much as their mean. */
const BELIEVED_VARIATION = 1
const WEIGHT_OF_BELIEF = 4

/**
 * Squared coefficient of variation of the primary's failure share from window to window, beyond what chance explains:
 * the moment estimate, drawn towards the belief as long as few failures were seen.
 */
export function burstVariation(sums: Dispersion): number {
  const { requests, failures, squaredRequests, squaredFailures, products } = sums
  const share = requests === 0 ? 0 : failures / requests
  const expectedSquares = share * share * squaredRequests
  const excess = squaredFailures - 2 * share * products + expectedSquares - failures
  const pooled = (excess + BELIEVED_VARIATION * WEIGHT_OF_BELIEF) / (expectedSquares + WEIGHT_OF_BELIEF)
  return Math.max(0, pooled)
}

/**
 * How much one window's evidence counts, from 0 to 1: the inverse of the variance inflation that such bursts cause at
 * this many requests. Earlier windows alone decide it, so a canary cannot hide behind its own failures, and an e-value
 * stays one (a power below 1 never raises its mean above 1).
 */
export function windowWeight(sums: Dispersion, canary: Arm, primary: Arm): number {
  const share = sums.requests === 0 ? 0 : sums.failures / sums.requests
  const expected = share * Math.max(canary.requests, primary.requests)
  return 1 / (1 + expected * burstVariation(sums))
}
