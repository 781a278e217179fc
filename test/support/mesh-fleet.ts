import type { Random } from '../../src/cli/simulate/random.ts'
import type { Conversation } from '../../src/mesh/xds/conversation.ts'
import {
  type AdsServer,
  type DeltaRequest,
  type DeltaResponse,
  newDeltaStream,
  nextDelta,
  receiveDelta,
  type Snapshot,
} from '../../src/mesh/xds/index.ts'
import { createProxyStream } from '../../src/mesh/xds/proxy-stream.ts'
import { silentLogger } from '../../src/runtime/index.ts'
import type { SimulatedTime } from '../simulation/simulated-time.ts'
import { createDeltaProxy, type DeltaProxy } from './delta-proxy.ts'

/** Proxies that behave as Envoys do, behind the server's own streams: on networks of their own, slow, and cut at times. */
export interface MeshFleet {
  readonly ads: AdsServer
  readonly proxies: ReadonlyMap<string, FleetProxy>
}

export interface FleetProxy {
  readonly state: Pick<DeltaProxy, 'holds' | 'warming'>
  setSnapshot(snapshot: Snapshot): void
  /** The stream breaks, and another one begins: what was on its way is lost. */
  reconnect(): void
}

export function createMeshFleet(time: SimulatedTime, random: Random): MeshFleet {
  const snapshots = new Map<string, Snapshot>()
  const proxies = new Map<string, FleetProxy>()
  return {
    proxies,
    ads: {
      listen: async () => 0,
      close: () => undefined,
      connected: () => new Map(),
      removeSnapshot: (nodeId) => void snapshots.delete(nodeId),
      setSnapshot(nodeId, snapshot) {
        if (snapshots.get(nodeId) === snapshot) return
        snapshots.set(nodeId, snapshot)
        const known = proxies.get(nodeId)
        if (known !== undefined) return known.setSnapshot(snapshot)
        const proxy = createFleetProxy(nodeId, () => snapshots.get(nodeId), { time, random })
        proxies.set(nodeId, proxy)
        proxy.reconnect()
      },
    },
  }
}

interface Network {
  readonly time: SimulatedTime
  readonly random: Random
}

/** One stream after the other, each with what is on its way to the proxy. */
interface Connection {
  readonly inbox: DeltaResponse[]
  readonly stream: ReturnType<typeof createProxyStream<DeltaRequest>>
  readonly drained: () => void
  isCarrying: boolean
}

function createFleetProxy(nodeId: string, snapshotOf: () => Snapshot | undefined, network: Network): FleetProxy {
  const proxy = createDeltaProxy(() => false)
  let connection: Connection | undefined

  const carry = async (own: Connection): Promise<void> => {
    if (own.isCarrying) return
    own.isCarrying = true
    while (own === connection && proxy.outbox.length + own.inbox.length > 0) {
      await network.time.sleep(1 + network.random() * (network.random() < 0.05 ? 4_000 : 60))
      if (own === connection) carryNext(own)
    }
    own.isCarrying = false
  }
  const isUpwards = ({ inbox }: Connection): boolean =>
    inbox.length === 0 || (proxy.outbox.length > 0 && network.random() < 0.5)
  const carryNext = (own: Connection): void => (isUpwards(own) ? carryUp(own) : carryDown(own))
  const carryUp = (own: Connection): void => {
    const request = proxy.outbox.shift()
    if (request !== undefined) own.stream.receive(request)
  }
  const carryDown = (own: Connection): void => {
    const response = own.inbox.shift()
    if (response !== undefined) proxy.receive(response)
    if (own.inbox.length === 0) own.drained()
  }
  const connect = (): Connection => {
    const planned: DeltaResponse[] = []
    const inbox: DeltaResponse[] = []
    const drains: (() => void)[] = []
    const stream = createProxyStream({
      nodeId,
      agent: 'simulated',
      conversation: converse((response) => planned.push(response)),
      log: silentLogger,
      report: { pushed: () => undefined, received: () => undefined },
      call: {
        write() {
          inbox.push(...planned.splice(0))
          void carry(opened)
          return inbox.length < 3
        },
        on: (_, listener) => drains.push(listener),
      },
    })
    const drained = () => {
      for (const listener of drains) listener()
    }
    const opened: Connection = { inbox, stream, drained, isCarrying: false }
    return opened
  }
  const setSnapshot = (snapshot: Snapshot): void => connection?.stream.setSnapshot(snapshot)

  return {
    state: proxy,
    setSnapshot,
    reconnect() {
      connection = connect()
      proxy.connect()
      const snapshot = snapshotOf()
      if (snapshot !== undefined) setSnapshot(snapshot)
      void carry(connection)
    },
  }
}

/** The server's own steps, which show what they plan before it becomes bytes. */
function converse(plan: (response: DeltaResponse) => void): Conversation<DeltaRequest> {
  let state = newDeltaStream
  return {
    receive(request) {
      const received = receiveDelta(state, request)
      state = received.state
      return received.event
    },
    next(snapshot) {
      const planned = nextDelta(state, snapshot)
      if (planned === undefined) return undefined
      state = planned.state
      plan(planned.response)
      return { type: planned.response.type, bytes: Buffer.alloc(0) }
    },
    isSubscribed: () => true,
    subscriptions: () => 0,
    accepted: () => undefined,
    rejection: () => undefined,
    hasRejections: () => false,
  }
}
