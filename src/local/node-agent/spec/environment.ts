import {
  type ConfigMap,
  type Container,
  type EnvVar,
  httpProxyPort,
  isShared,
  type Pod,
  publishedPort,
  type Secret,
  terminationMessageVariable,
} from '../../../api/index.ts'
import { failure, type Result, success } from '../../../base/index.ts'
import { expandVariables } from './expand.ts'
import { type ServiceAddress, serviceVariables } from './service-variables.ts'

/** Everything that the environment of one container is made of. */
export interface EnvironmentInput {
  readonly pod: Pod
  readonly container: Container
  /** What the program gets of this machine, such as PATH. */
  readonly machine: Readonly<Record<string, string>>
  readonly image: Readonly<Record<string, string>>
  readonly podIP: string
  /** The address that the program binds: the pod's own when it has no sidecar. */
  readonly host: string
  readonly messageFile: string
  readonly isMeshed: boolean
  readonly services: readonly ServiceAddress[]
  readonly configMaps: ReadonlyMap<string, ConfigMap>
  readonly secrets: ReadonlyMap<string, Secret>
}

type Variables = Readonly<Record<string, string>>

/** Later ones win: the machine's, Kubernetes' and the platform's, the image's, the container's. */
export function renderEnvironment(input: EnvironmentInput): Result<Variables> {
  const variables: Record<string, string> = {
    ...input.machine,
    ...serviceVariables(input.services),
    ...platformVariables(input),
    ...(isShared(input.podIP) ? sharedVariables(input) : {}),
    ...(isShared(input.podIP) && input.isMeshed ? proxyVariables(input) : {}),
    ...input.image,
  }
  for (const variable of input.container.env ?? []) {
    const value = resolveVariable(variable, input, variables)
    if (!value.ok) return value
    if (value.value !== undefined) variables[variable.name] = value.value
  }
  return success(variables)
}

/** What a program must know where pods share an address: one of its own may listen wherever it likes. */
function sharedVariables({ container, host }: EnvironmentInput): Variables {
  const port = container.ports?.[0]?.containerPort
  return { HOST: host, ...(port === undefined ? {} : { PORT: String(publishedPort(port)) }) }
}

function platformVariables({ pod, podIP, messageFile }: EnvironmentInput): Variables {
  return {
    HOSTNAME: pod.metadata.name,
    POD_IP: podIP,
    POD_NAME: pod.metadata.name,
    POD_NAMESPACE: pod.metadata.namespace ?? '',
    [terminationMessageVariable]: messageFile,
  }
}

/** Both spellings, since curl reads only the small one; the loopback block is reached directly. */
function proxyVariables({ podIP, services }: EnvironmentInput): Variables {
  const proxy = `http://${podIP}:${httpProxyPort}`
  const block = podIP.split('.').slice(0, 2).join('.')
  // Three spellings of the same block, since clients know addresses, prefixes or ranges.
  const direct = ['localhost', '127.0.0.1', '127.0.0.0/8', `${block}.0.1-${block}.255.254`]
  const noProxy = [...direct, ...services.map(({ address }) => address)].join(',')
  return { HTTP_PROXY: proxy, http_proxy: proxy, NO_PROXY: noProxy, no_proxy: noProxy }
}

function resolveVariable(variable: EnvVar, input: EnvironmentInput, known: Variables): Result<string | undefined> {
  const { valueFrom } = variable
  if (valueFrom === undefined) return success(expandVariables(variable.value ?? '', known))
  if (valueFrom.fieldRef !== undefined) return fieldOf(input, valueFrom.fieldRef.fieldPath)
  if (valueFrom.configMapKeyRef !== undefined) {
    const { name } = valueFrom.configMapKeyRef
    return keyOf(valueFrom.configMapKeyRef, `configmap "${name}"`, input.configMaps.get(name)?.data)
  }
  if (valueFrom.secretKeyRef !== undefined) {
    const { name } = valueFrom.secretKeyRef
    return keyOf(valueFrom.secretKeyRef, `secret "${name}"`, decoded(input.secrets.get(name)?.data))
  }
  return failure(`env ${variable.name}: valueFrom must name a fieldRef, configMapKeyRef or secretKeyRef`)
}

function keyOf(
  reference: { readonly key: string; readonly optional?: boolean },
  what: string,
  data: Variables | undefined,
): Result<string | undefined> {
  const value = data?.[reference.key]
  if (value !== undefined || reference.optional === true) return success(value)
  return failure(data === undefined ? `${what} not found` : `couldn't find key ${reference.key} in ${what}`)
}

const decoded = (data: Variables | undefined): Variables | undefined =>
  data && Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))

function fieldOf({ pod, podIP }: EnvironmentInput, path: string): Result<string> {
  const [, map, key] = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path) ?? []
  if (key !== undefined) return success(pod.metadata[map === 'labels' ? 'labels' : 'annotations']?.[key] ?? '')
  const fields: Variables = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace ?? '',
    'metadata.uid': pod.metadata.uid ?? '',
    'spec.nodeName': pod.spec.nodeName ?? '',
    'spec.serviceAccountName': pod.spec.serviceAccountName ?? 'default',
    'status.podIP': podIP,
    'status.podIPs': podIP,
    'status.hostIP': '127.0.0.1',
  }
  const value = fields[path]
  return value === undefined ? failure(`fieldRef ${path} is not supported`) : success(value)
}

/** Names of the ConfigMaps and Secrets that a container's environment needs. */
export const environmentSources = (
  container: Container,
): { readonly configMaps: string[]; readonly secrets: string[] } => {
  const references = (container.env ?? []).flatMap(({ valueFrom }) => (valueFrom === undefined ? [] : [valueFrom]))
  return {
    configMaps: references.flatMap(({ configMapKeyRef }) => (configMapKeyRef ? [configMapKeyRef.name] : [])),
    secrets: references.flatMap(({ secretKeyRef }) => (secretKeyRef ? [secretKeyRef.name] : [])),
  }
}
