import type { ConsistentHash, HashKey, TrafficPolicy, WarmUp } from '../model/index.ts'
import { field, limit, milliseconds } from './optional-field.ts'
import type { PolicySpec } from './supported-policy.ts'

type Spec = NonNullable<PolicySpec['loadBalancer']>
type HashSpec = NonNullable<Spec['consistentHash']>

type Read = Pick<TrafficPolicy, 'loadBalancing' | 'consistentHash' | 'warmUp' | 'ignoresLocality'>

export function readLoadBalancer({ localityLbSetting, ...spec }: Spec): Read {
  return { ...readChoice(spec), ...(localityLbSetting?.enabled === false ? { ignoresLocality: true } : {}) }
}

function readChoice(spec: Spec): Omit<Read, 'ignoresLocality'> {
  const { consistentHash: hash, simple = 'UNSPECIFIED' } = spec
  if (hash !== undefined) {
    return { loadBalancing: hash.maglev === undefined ? 'ring-hash' : 'maglev', consistentHash: readHash(hash) }
  }
  return { loadBalancing: loadBalancings[simple], ...readWarmUp(spec) }
}

const loadBalancings = {
  UNSPECIFIED: 'least-request',
  LEAST_REQUEST: 'least-request',
  LEAST_CONN: 'least-request',
  ROUND_ROBIN: 'round-robin',
  RANDOM: 'random',
  PASSTHROUGH: 'passthrough',
} as const

const readHash = (spec: HashSpec): ConsistentHash => ({
  key: readKey(spec),
  ...limit('minimumRingSize', spec.ringHash?.minimumRingSize ?? spec.minimumRingSize),
  ...field('tableSize', spec.maglev?.tableSize),
})

function readKey({ httpHeaderName, httpCookie, httpQueryParameterName }: HashSpec): HashKey {
  if (httpHeaderName !== undefined) return { kind: 'header', name: httpHeaderName.toLowerCase() }
  if (httpQueryParameterName !== undefined) return { kind: 'query', name: httpQueryParameterName }
  if (httpCookie === undefined) return { kind: 'source-address' }
  const { name, path, ttl, attributes } = httpCookie
  return {
    kind: 'cookie',
    name,
    ...(path === undefined ? {} : { path }),
    // 0s is a cookie of the session.
    ...field('ttlMs', milliseconds(ttl)),
    ...(attributes.length === 0 ? {} : { attributes }),
  }
}

function readWarmUp({ warmup, warmupDurationSecs }: Spec): { readonly warmUp?: WarmUp } {
  const windowMs = milliseconds(warmup?.duration ?? warmupDurationSecs)
  if (windowMs === undefined) return {}
  return {
    warmUp: {
      windowMs,
      ...field('aggression', warmup?.aggression),
      ...field('minimumPercent', warmup?.minimumPercent),
    },
  }
}
