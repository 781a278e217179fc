import type { Any } from '@bufbuild/protobuf/wkt'
import type { Fault } from '../model/index.ts'
import { HTTPFaultSchema } from './api.ts'
import { duration, extension, fractionalPercent, pack } from './messages.ts'

export const faultFilterName = 'envoy.filters.http.fault'

/** Does nothing by itself: routes say what it does for them. */
export const faultFilter = () => extension(faultFilterName, HTTPFaultSchema, { disableDownstreamClusterStats: true })

export const renderFault = ({ delay, abort }: Fault): Any =>
  pack(HTTPFaultSchema, {
    // Else a header of the client would name new metrics.
    disableDownstreamClusterStats: true,
    ...(delay === undefined
      ? {}
      : {
          delay: {
            percentage: fractionalPercent(delay.percent),
            faultDelaySecifier: { case: 'fixedDelay', value: duration(delay.durationMs) },
          },
        }),
    ...(abort === undefined
      ? {}
      : {
          abort: {
            percentage: fractionalPercent(abort.percent),
            errorType:
              'status' in abort
                ? { case: 'httpStatus', value: abort.status }
                : { case: 'grpcStatus', value: abort.grpcStatus },
          },
        }),
  })
