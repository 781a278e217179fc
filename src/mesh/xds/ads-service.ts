import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'

const service = '/envoy.service.discovery.v3.AggregatedDiscoveryService'

const asItIs = (bytes: Buffer): Buffer => bytes

/** Responses are bytes already, and requests are read where it is known whose they are. */
const stream = (name: string): MethodDefinition<Buffer, Buffer> => ({
  path: `${service}/${name}`,
  requestStream: true,
  responseStream: true,
  requestSerialize: asItIs,
  requestDeserialize: asItIs,
  responseSerialize: asItIs,
  responseDeserialize: asItIs,
})

export const adsService: ServiceDefinition = {
  StreamAggregatedResources: stream('StreamAggregatedResources'),
  DeltaAggregatedResources: stream('DeltaAggregatedResources'),
}
