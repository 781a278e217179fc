import { parse } from 'yaml'
import { z } from 'zod'
import type { Service } from '../../api/index.ts'
import { parseDuration } from '../../base/index.ts'
import type { Finding, HealthCheck } from '../model/index.ts'
import { type SpecIssue, specIssues } from './read-spec.ts'
import { longerThanZero, text } from './supported-values.ts'
import { namespaceOf } from './workload.ts'

/** On a Service. Istio's API has no word for it. */
export const healthCheckAnnotation = 'mesh.sluice.dev/health-check'

const threshold = z.int().min(1).max(100)

const healthCheckSpec = z
  .strictObject({
    path: text.regex(/^\//, 'must begin with "/"').optional(),
    grpc: z.strictObject({ service: z.string().default('') }).optional(),
    interval: longerThanZero.default('5s'),
    timeout: longerThanZero.default('1s'),
    healthyThreshold: threshold.default(2),
    unhealthyThreshold: threshold.default(3),
  })
  .refine(({ path, grpc }) => path !== undefined || grpc !== undefined, {
    path: ['path'],
    message: 'must be given, or grpc',
    params: { code: 'MissingField' },
  })
  .refine(({ path, grpc }) => path === undefined || grpc === undefined, {
    path: ['grpc'],
    message: 'cannot be beside path',
  })

const annotated = z.looseObject({ metadata: z.looseObject({ annotations: z.record(z.string(), z.unknown()) }) })

/** The annotation of any object; null when it has none. */
export const healthCheckTextOf = (object: unknown): unknown =>
  annotated.safeParse(object).data?.metadata.annotations[healthCheckAnnotation] ?? null

/** What is wrong with the annotation's text; nothing when there is none. */
export const healthCheckIssues = (annotation: unknown): readonly SpecIssue[] =>
  annotation === undefined ? [] : specIssues(healthCheckSpec, yamlOf(annotation))

function yamlOf(annotation: unknown): unknown {
  try {
    return parse(String(annotation))
  } catch {
    return undefined
  }
}

/** Undefined where a Service has none, or one that cannot be followed. */
export function healthCheckOf(service: Service): HealthCheck | undefined {
  const annotation = service.metadata.annotations?.[healthCheckAnnotation]
  const spec = annotation === undefined ? undefined : healthCheckSpec.safeParse(yamlOf(annotation)).data
  return (
    spec && {
      asks:
        spec.path === undefined
          ? { kind: 'grpc', service: spec.grpc?.service ?? '' }
          : { kind: 'http', path: spec.path },
      intervalMs: millisecondsOf(spec.interval),
      timeoutMs: millisecondsOf(spec.timeout),
      healthyThreshold: spec.healthyThreshold,
      unhealthyThreshold: spec.unhealthyThreshold,
    }
  )
}

const millisecondsOf = (duration: string): number => {
  const parsed = parseDuration(duration)
  return parsed.ok ? parsed.value : 0
}

export const healthCheckFindings = (services: readonly Service[]): readonly Finding[] =>
  services.flatMap((service) => {
    const issues = healthCheckIssues(service.metadata.annotations?.[healthCheckAnnotation])
    if (issues.length === 0) return []
    const object = { kind: 'Service', namespace: namespaceOf(service), name: service.metadata.name }
    const message = issues.map((issue) => `${[healthCheckAnnotation, ...issue.path].join(': ')}: ${issue.message}`)
    return [{ object, reason: 'Invalid', message: message.join('; ') }]
  })
