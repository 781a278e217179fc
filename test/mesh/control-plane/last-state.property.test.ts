import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import {
  authorizationPolicyKind,
  destinationRuleKind,
  endpointSliceKind,
  gatewayKind,
  type KubernetesObject,
  namespaceKind,
  peerAuthenticationKind,
  podKind,
  type ResourceKind,
  type Secret,
  secretKind,
  serviceEntryKind,
  serviceKind,
  sidecarKind,
  telemetryKind,
  virtualServiceKind,
  workloadEntryKind,
} from '../../../src/api/index.ts'
import { seededRandom } from '../../../src/cli/simulate/random.ts'
import { createReflector } from '../../../src/kube/index.ts'
import {
  type Configuration,
  createConfigurationBuilder,
  emptyConfiguration,
} from '../../../src/mesh/control-plane/configuration.ts'
import { createCredentials } from '../../../src/mesh/control-plane/credentials.ts'
import { createDebouncer } from '../../../src/mesh/control-plane/debouncer.ts'
import { createWatches, onConfigurationChange } from '../../../src/mesh/control-plane/watches.ts'
import { silentLogger } from '../../../src/runtime/index.ts'
import { createSimulatedTime } from '../../simulation/simulated-time.ts'
import { createUnreliableClient } from '../../simulation/unreliable-client.ts'
import { slots } from '../../support/any-cluster-edits.ts'
import { createMemoryApi, type MemoryApi } from '../../support/memory-api.ts'
import { createMeshFleet, type FleetProxy } from '../../support/mesh-fleet.ts'
import { clusterOf, namespaceName } from '../../support/mesh-objects.ts'
import { place } from '../../support/mesh-world.ts'
import { createTlsAuthority, secretOf, tlsFiles } from '../../support/tls-authority.ts'
import { versionsOf } from '../../support/xds-world.ts'

const kinds: Readonly<Record<string, ResourceKind>> = {
  services: serviceKind,
  endpointSlices: endpointSliceKind,
  pods: podKind,
  namespaces: namespaceKind,
  virtualServices: virtualServiceKind,
  destinationRules: destinationRuleKind,
  gateways: gatewayKind,
  sidecars: sidecarKind,
  serviceEntries: serviceEntryKind,
  workloadEntries: workloadEntryKind,
  peerAuthentications: peerAuthenticationKind,
  authorizationPolicies: authorizationPolicyKind,
  telemetries: telemetryKind,
}

interface Edit {
  readonly kind: 'edit'
  readonly slot: number
  readonly version: number
}

type Move =
  | Edit
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'cut'; readonly proxy: number }
  | { readonly kind: 'show'; readonly certificate: number }

const anyEdit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constant('edit' as const),
  slot: fc.nat(slots.length - 1),
  version: fc.nat(6),
})

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 6, arbitrary: anyEdit },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(2_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), proxy: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('show' as const), certificate: fc.nat(2) }) },
)

/** Of a gateway; the last is none. */
let certificates: readonly (Secret | undefined)[] = []
beforeAll(async () => {
  const authority = await createTlsAuthority()
  const issue = async () => secretOf('web-cert', namespaceName, tlsFiles(await authority.issue(['web.example'])))
  certificates = [await issue(), await issue(), undefined]
})

/** The parts of the control plane, put together as there, on a network that fails and in front of proxies that are slow. */
async function play(seed: number, moves: readonly Move[], last: Edit) {
  const random = seededRandom(seed)
  const time = createSimulatedTime()
  const clock = time.createClock()
  const api = createMemoryApi(time.now)
  let faults = 0.1
  const client = createUnreliableClient(api.client('mesh'), {
    ...{ time, random, faults: () => faults, isDead: () => false },
  })
  const errors: unknown[] = []
  const log = { ...silentLogger, error: (fields: unknown, message?: unknown) => void errors.push([fields, message]) }
  const watches = createWatches((kind) => createReflector({ client, kind, clock, log: silentLogger, random }))
  const changed = (isUrgent: boolean) => debouncer.changed(isUrgent)
  const credentials = createCredentials({
    ...{ client, clock, log: silentLogger, pollMs: 5_000, changed: () => changed(false) },
  })
  const fleet = createMeshFleet(time, random)
  const noCertificates = { want: () => undefined, secretsOf: () => [] }
  const builder = createConfigurationBuilder(fleet.ads, { certificates: noCertificates, credentials }, { log, clock })
  let configuration: Configuration = emptyConfiguration
  let built: readonly string[] = []
  const build = (): void => {
    const objects = watches.objects()
    built = Object.values(objects).flatMap(describe).toSorted()
    configuration = builder.apply(clusterOf({ ...objects, credentialOf: credentials.find }), configuration)
    debouncer.expect(configuration.againInMs)
  }
  const debouncer = createDebouncer({ quietMs: 100, atMostMs: 1_000, clock, run: build })

  await edit(
    api,
    slots.map((_, slot) => ({ kind: 'edit', slot, version: 0 }) as const),
  )
  const stop = new AbortController()
  const running = [...watches.starts, credentials.start].map((start) => start(stop.signal))
  void watches.synced.then(() => {
    build()
    onConfigurationChange(watches, changed)
    running.push(debouncer.start(stop.signal))
  })
  for (const each of moves) {
    if (each.kind === 'wait') await time.run(() => false, each.ms)
    else if (each.kind === 'cut') [...fleet.proxies.values()][each.proxy]?.reconnect()
    else if (each.kind === 'show') await show(api, certificates[each.certificate])
    else await edit(api, [each])
  }
  faults = 0
  // Until watches that broke have begun again.
  await time.run(() => false, 60_000)
  await edit(api, [last])
  await time.run(() => false, 1_000)
  const wanted = Object.values(kinds)
    .flatMap((kind) => describe(api.list(kind)))
    .toSorted()
  const builtSoon = built
  await time.run(() => false, 60_000)
  stop.abort()
  await time.run(() => false, 60_000)
  await Promise.all(running)
  return { built: [builtSoon, built], wanted: [wanted, wanted], configuration, fleet, errors }
}

async function edit(api: MemoryApi, edits: readonly Edit[]): Promise<void> {
  for (const { slot, version } of edits) {
    const { list, versions } = slots[slot] ?? expect.unreachable()
    const kind = kinds[list] ?? expect.unreachable(list)
    const [first] = versions
    const object = versions[version]
    if (object !== undefined) await place(api, kind, object)
    else if (first !== undefined) await api.client('test').delete(kind, first.metadata)
  }
}

async function show(api: MemoryApi, secret: Secret | undefined): Promise<void> {
  if (secret !== undefined) await place(api, secretKind, secret)
  else await api.client('test').delete(secretKind, { namespace: namespaceName, name: 'web-cert' })
}

/** Of a VirtualService nothing but its spec counts. */
const stateOf = ({ kind, metadata }: KubernetesObject): string =>
  kind === virtualServiceKind.kind ? `${metadata.uid} ${metadata.generation}` : `${metadata.resourceVersion}`

const describe = (objects: readonly KubernetesObject[]): readonly string[] =>
  objects.map((object) => `${object.kind} ${object.metadata.namespace}/${object.metadata.name} ${stateOf(object)}`)

/** What the proxy uses of each type. */
function held({ state: { holds, warming } }: FleetProxy) {
  const { cluster, endpoints, listener, routes, virtualHost } = holds
  return {
    ...{ cluster: versionsOf(cluster), endpoints: versionsOf(endpoints), listener: versionsOf(listener) },
    ...{ routes: versionsOf(routes), virtualHost: versionsOf(virtualHost) },
    warming: [...warming.cluster, ...warming.listener],
  }
}

/** A gRPC library asks for what it calls only. */
const isEnvoy = (nodeId: string): boolean => !nodeId.startsWith('proxyless')

test('whatever changes, fails, is slow or is cut: the last state arrives at every proxy', async () => {
  const story = fc.array(move, { minLength: 1, maxLength: 40, size: 'max' })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), story, anyEdit, async (seed, moves, last) => {
      const { built, wanted, configuration, fleet, errors } = await play(seed, moves, last)
      expect(built).toEqual(wanted)
      expect(errors).toEqual([])
      for (const [nodeId, { resources }] of configuration.snapshots) {
        const proxy = fleet.proxies.get(nodeId)
        if (!isEnvoy(nodeId) || proxy === undefined) continue
        expect([nodeId, held(proxy)]).toEqual([
          nodeId,
          {
            ...{ cluster: versionsOf(resources.cluster), endpoints: versionsOf(resources.endpoints) },
            ...{ listener: versionsOf(resources.listener), routes: versionsOf(resources.routes) },
            ...{ virtualHost: versionsOf(resources.virtualHost), warming: [] },
          },
        ])
      }
    }),
    { numRuns: 20 },
  )
})
