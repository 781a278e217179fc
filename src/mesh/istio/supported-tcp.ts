import { z } from 'zod'
import { destination } from './supported-destination.ts'
import { addressRange, labels, port, refused } from './supported-values.ts'

const match = z.strictObject({
  destinationSubnets: z.array(addressRange).optional(),
  sourceSubnet: refused('choose clients by sourceLabels or sourceNamespace'),
  port: port.optional(),
  sourceLabels: labels.optional(),
  sourceNamespace: z.string().optional(),
  gateways: z.array(z.string()).optional(),
})

/** Connections have no more to choose by than their addresses and who opens them. */
export const tcpRoute = z
  .strictObject({
    match: z.array(match).optional(),
    route: z
      .array(z.strictObject({ destination, weight: z.int().min(0).max(1_000_000).optional() }))
      .min(1, 'must have a destination'),
  })
  .refine(({ route }) => route.length <= 1 || route.some(({ weight = 0 }) => weight > 0), {
    path: ['route'],
    message: 'the weights of several destinations must sum to more than 0',
    params: { code: 'ZeroWeights' },
  })

export type TcpRouteSpec = z.output<typeof tcpRoute>
export type TcpMatchSpec = z.output<typeof match>
