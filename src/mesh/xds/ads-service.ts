import { fromBinary } from '@bufbuild/protobuf'
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'
import { DeltaDiscoveryRequestSchema, DiscoveryRequestSchema } from '../envoy/index.ts'

const service = '/envoy.service.discovery.v3.AggregatedDiscoveryService'

/** Responses are bytes already: serializing them is doing nothing. */
const stream = <Request>(name: string, decode: (bytes: Buffer) => Request): MethodDefinition<Request, Buffer> => ({
  path: `${service}/${name}`,
  requestStream: true,
  responseStream: true,
  requestSerialize: () => Buffer.alloc(0),
  requestDeserialize: decode,
  responseSerialize: (response: Buffer) => response,
  responseDeserialize: (bytes: Buffer) => bytes,
})

export const adsService: ServiceDefinition = {
  StreamAggregatedResources: stream('StreamAggregatedResources', (bytes) => fromBinary(DiscoveryRequestSchema, bytes)),
  DeltaAggregatedResources: stream('DeltaAggregatedResources', (bytes) =>
    fromBinary(DeltaDiscoveryRequestSchema, bytes),
  ),
}
