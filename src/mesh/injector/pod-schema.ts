import { z } from 'zod'

/** Of a pod only what the injector reads; everything else is kept as it is. */
const port = z.union([z.int(), z.string()])
const texts = z.record(z.string(), z.string())

const httpAction = z.looseObject({
  path: z.string().optional(),
  port,
  scheme: z.string().optional(),
  host: z.string().optional(),
})

const probe = z.looseObject({
  httpGet: httpAction.optional(),
  tcpSocket: z.looseObject({ port, host: z.string().optional() }).optional(),
  grpc: z.looseObject({ port: z.int(), service: z.string().nullish() }).optional(),
  periodSeconds: z.int().optional(),
  timeoutSeconds: z.int().optional(),
})

const hook = z.looseObject({ httpGet: httpAction.optional() })
const securityContext = z.looseObject({ runAsUser: z.int().optional(), runAsGroup: z.int().optional() }).optional()

const container = z.looseObject({
  name: z.string(),
  image: z.string().optional(),
  ports: z.array(z.looseObject({ name: z.string().optional(), containerPort: z.int() })).optional(),
  readinessProbe: probe.optional(),
  livenessProbe: probe.optional(),
  startupProbe: probe.optional(),
  lifecycle: z.looseObject({ postStart: hook.optional(), preStop: hook.optional() }).optional(),
  securityContext,
})

export const podSchema = z.looseObject({
  metadata: z
    .looseObject({
      name: z.string().optional(),
      generateName: z.string().optional(),
      namespace: z.string().optional(),
      labels: texts.optional(),
      annotations: texts.optional(),
      ownerReferences: z
        .array(z.looseObject({ kind: z.string(), name: z.string(), controller: z.boolean().optional() }))
        .optional(),
    })
    .default({}),
  spec: z.looseObject({
    hostNetwork: z.boolean().optional(),
    terminationGracePeriodSeconds: z.int().optional(),
    containers: z.array(container),
    initContainers: z.array(container).optional(),
    volumes: z.array(z.looseObject({ name: z.string() })).optional(),
    securityContext,
  }),
})

export type InjectablePod = z.output<typeof podSchema>
export type InjectableContainer = z.output<typeof container>
export type HttpAction = z.output<typeof httpAction>
export type ContainerProbe = z.output<typeof probe>
