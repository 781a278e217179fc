import { wilsonInterval } from './interval.ts'

/** Chance luck alone gets one mismatch in 100,000 looks. */
const LUCK_Z = 4.26
/** Pods are not scraped at one instant, so observed shares wander a little where nothing is wrong. */
const RELATIVE_SLACK = 0.2
const ABSOLUTE_SLACK = 0.01

/**
 * Whether the share of requests that reached the canary cannot come from the configured one: routing is broken, clients
 * stick to a version, or requests come beside the route. Then the two versions did not see comparable requests.
 */
export function isSampleRatioOff(canaryRequests: number, primaryRequests: number, configuredShare: number): boolean {
  const slack = RELATIVE_SLACK * Math.min(configuredShare, 1 - configuredShare) + ABSOLUTE_SLACK
  const { lower, upper } = wilsonInterval(canaryRequests, canaryRequests + primaryRequests, LUCK_Z)
  return lower > configuredShare + slack || upper < configuredShare - slack
}
