import type { MessageInitShape } from '@bufbuild/protobuf'
import type { OutlierDetection } from '../model/index.ts'
import type { ClusterSchema } from './api.ts'
import { duration } from './messages.ts'

/** The fields of a cluster that leave failing endpoints out. */
export const renderOutlierDetection = (
  detection: OutlierDetection,
): Pick<MessageInitShape<typeof ClusterSchema>, 'outlierDetection' | 'commonLbConfig'> => ({
  outlierDetection: {
    // Istio names failures in a row only.
    enforcingSuccessRate: 0,
    ...consecutive5xx(detection.consecutive5xx),
    ...gatewayErrors(detection.consecutiveGatewayErrors),
    ...localOriginFailures(detection.consecutiveLocalOriginFailures),
    ...(detection.intervalMs === undefined ? {} : { interval: duration(detection.intervalMs) }),
    ...(detection.baseEjectionTimeMs === undefined ? {} : { baseEjectionTime: duration(detection.baseEjectionTimeMs) }),
    ...(detection.maxEjectionPercent === undefined ? {} : { maxEjectionPercent: detection.maxEjectionPercent }),
    // Envoy's 10 percent of two endpoints would be none.
    alwaysEjectOneHost: true,
  },
  // Envoy's own 50 percent would send requests to endpoints that were just left out.
  commonLbConfig: { healthyPanicThreshold: { value: detection.minHealthPercent } },
})

const consecutive5xx = (count: number | undefined) =>
  count === undefined ? {} : { consecutive5xx: count, enforcingConsecutive5xx: enforcing(count) }

const gatewayErrors = (count: number | undefined) =>
  count === undefined ? {} : { consecutiveGatewayFailure: count, enforcingConsecutiveGatewayFailure: enforcing(count) }

const localOriginFailures = (count: number | undefined) =>
  count === undefined
    ? {}
    : {
        splitExternalLocalOriginErrors: true,
        enforcingLocalOriginSuccessRate: 0,
        consecutiveLocalOriginFailure: count,
        enforcingConsecutiveLocalOriginFailure: enforcing(count),
      }

const enforcing = (count: number): number => (count === 0 ? 0 : 100)
