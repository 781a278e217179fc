import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  type InjectablePod,
  type InjectionSettings,
  injectionSettingsSchema,
  injectPod,
} from '../../src/mesh/injector/index.ts'
import { temporaryDirectory } from './directory.ts'

export const injectionSettings: InjectionSettings = injectionSettingsSchema.parse({
  image: 'sluice:test',
  xds: 'sluice-mesh.sluice-system.svc:15010',
})

/** A pod as its Deployment asks for it, before it has a name. */
export const plainPod = (
  more: { readonly annotations?: Record<string, string>; readonly labels?: object; readonly spec?: object } = {},
): InjectablePod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    generateName: 'web-5d4f8c7b9-',
    labels: { app: 'web', version: 'v1', 'pod-template-hash': '5d4f8c7b9', ...more.labels },
    ...(more.annotations === undefined ? {} : { annotations: more.annotations }),
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f8c7b9', uid: 'u', controller: true }],
  },
  spec: {
    serviceAccountName: 'default',
    containers: [
      {
        name: 'web',
        image: 'web:1',
        ports: [{ name: 'http', containerPort: 8080 }],
        readinessProbe: {
          httpGet: {
            path: '/healthz?full=$(HOME)',
            port: 'http',
            scheme: 'HTTP',
            httpHeaders: [{ name: 'a', value: 'b' }],
          },
          periodSeconds: 5,
        },
        livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, timeoutSeconds: 3 },
        startupProbe: { exec: { command: ['true'] } },
        lifecycle: { preStop: { httpGet: { path: 'bye', port: 8080, scheme: 'HTTPS' } } },
      },
      { name: 'rpc', image: 'rpc:1', livenessProbe: { grpc: { port: 9000, service: 'shop' } } },
    ],
    ...more.spec,
  },
})

// biome-ignore lint/suspicious/noExplicitAny: a pod with whatever fields it has
type AnyPod = any

/** The pod with its sidecar. */
export function injected(pod: InjectablePod, settings = injectionSettings): AnyPod {
  const injection = injectPod(pod, settings)
  if (injection.kind !== 'injected') throw new Error(JSON.stringify(injection))
  return injection.pod
}

/** The container of that name, wherever it is. */
export const containerOf = (pod: AnyPod, name: string): AnyPod =>
  [...pod.spec.initContainers, ...pod.spec.containers].find((each) => each.name === name)

/** The arguments as a kubelet passes them: variables of the pod in place, two dollars are one. */
export const argumentsOf = (pod: AnyPod, variables: Readonly<Record<string, string>>): readonly string[] =>
  containerOf(pod, 'istio-proxy').args.map((argument: string) =>
    argument.replaceAll(/\$(\$|\((\w+)\))/g, (text, _, name) => (name === undefined ? '$' : (variables[name] ?? text))),
  )

/** What Envoy says to the configuration that the sidecar of this pod would start with. */
export async function validate(envoy: string, pod: AnyPod): Promise<string> {
  await using directory = await temporaryDirectory()
  const variables = { POD_IP: '10.1.2.3', POD_NAME: 'web-1', POD_NAMESPACE: 'shop' }
  const annotations: Readonly<Record<string, string>> = pod.metadata.annotations
  const args = argumentsOf(pod, variables).map((argument) =>
    argument.replaceAll('/var/run/secrets/sluice', directory.path),
  )
  await writeFile(join(directory.path, 'trust.json'), annotations['mesh.sluice.dev/xds-trust'] ?? '')
  await writeFile(join(directory.path, 'token-secret.json'), annotations['mesh.sluice.dev/xds-token-secret'] ?? '')
  await rm(join(directory.path, 'admin.sock'), { force: true })
  const { stdout, stderr } = await promisify(execFile)(envoy, [...args, '--mode', 'validate'])
  return `${stdout}${stderr}`
}
