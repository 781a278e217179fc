import { type Canary, canaryFinalizer, canarySpecSchema, type MetricVerdict } from '../../src/api/index.ts'

export interface CanaryOverrides {
  readonly name?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly analysis?: object
  readonly service?: object
  readonly spec?: object
  readonly metadata?: object
  readonly status?: Canary['status']
}

/** A Canary `default/web` with defaults filled: mirror, then 20 and 40 %, each 10 s, threshold 2. */
export function buildCanary(overrides: CanaryOverrides = {}): Canary {
  const spec = canarySpecSchema.parse({
    targetRef: { kind: 'Deployment', name: 'web' },
    service: { port: 80, ...overrides.service },
    analysis: {
      interval: '10s',
      threshold: 2,
      stepWeight: 20,
      maxWeight: 40,
      metrics: [{ name: 'request-success-rate', thresholdRange: { min: 99 } }],
      ...overrides.analysis,
    },
    progressDeadlineSeconds: 60,
    ...overrides.spec,
  })
  return {
    apiVersion: 'sluice.dev/v1',
    kind: 'Canary',
    metadata: {
      name: overrides.name ?? 'web',
      namespace: 'default',
      uid: `uid-${overrides.name ?? 'web'}`,
      generation: 1,
      finalizers: [canaryFinalizer],
      annotations: overrides.annotations ?? {},
      ...overrides.metadata,
    },
    spec,
    ...(overrides.status === undefined ? {} : { status: overrides.status }),
  }
}

/** A verdict whose numbers say what its state says. */
export function buildVerdict(state: MetricVerdict['state'], now = 0): MetricVerdict {
  const value = { passed: 100, failed: 92.5 }[state as string]
  return {
    metric: 'request-success-rate',
    state,
    ...(value === undefined ? {} : { value }),
    unit: 'percent',
    thresholdRange: { min: 99 },
    query: 'the query',
    windowStart: new Date(now - 10_000).toISOString(),
    windowEnd: new Date(now).toISOString(),
    message: `request-success-rate ${value ?? state}`,
  }
}
