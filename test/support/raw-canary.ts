import { type Canary, parseCanary } from '../../src/api/index.ts'

type Fields = Readonly<Record<string, unknown>>

/** The smallest Canary a user writes; `analysis` and `spec` are laid over it, fields set to undefined are left out. */
export function rawCanary({ name = 'web', spec = {}, analysis = {} }: RawCanary = {}): Fields {
  return {
    apiVersion: 'sluice.dev/v1',
    kind: 'Canary',
    metadata: { name, namespace: 'default' },
    spec: {
      targetRef: { kind: 'Deployment', name: 'web' },
      service: { port: 80 },
      ...spec,
      analysis: withoutUndefined({ stepWeight: 10, ...analysis }),
    },
  }
}

interface RawCanary {
  readonly name?: string
  readonly spec?: Fields
  readonly analysis?: Fields
}

const withoutUndefined = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

/** The same with defaults filled, as rooms behind the parser have it. */
export function canary(options: RawCanary = {}): Canary {
  const parsed = parseCanary(rawCanary(options))
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}
