import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { parseAllDocuments } from 'yaml'
import {
  authorizationPolicyKind,
  endpointSliceKind,
  type KubernetesObject,
  namespaceKind,
  type Pod,
  peerAuthenticationKind,
  podKind,
  publishedPort,
  type ResourceKind,
  requestAuthenticationKind,
  serviceKind,
} from '../../src/api/index.ts'
import type { Leaf } from '../../src/mesh/ca/index.ts'
import type { CertificateSettings, KeyFetcherSettings } from '../../src/mesh/control-plane/index.ts'
import { envoyPath } from './envoy.ts'
import { eventually } from './eventually.ts'
import { claimLoopbackBlock } from './loopback-block.ts'
import { createMemoryApi } from './memory-api.ts'
import { meshPodOf, namespaceOf, serviceOf, sliceOf } from './mesh-objects.ts'
import { type Answer, get, place, startBackend, startEnvoy, startMesh, untilEnvoyReady } from './mesh-world.ts'

const folder = join(import.meta.dirname, '../mesh/acceptance')

/** The objects of a configuration as they are printed. */
export async function readSecurity(file: string): Promise<readonly KubernetesObject[]> {
  const documents = parseAllDocuments(await readFile(join(folder, `${file}.yaml`), 'utf8'))
  return documents.map((document) => document.toJS() as KubernetesObject)
}

const securityKinds: Readonly<Record<string, ResourceKind>> = {
  PeerAuthentication: peerAuthenticationKind,
  AuthorizationPolicy: authorizationPolicyKind,
  RequestAuthentication: requestAuthenticationKind,
}

/** `namespace/name`: a pod with its own service account, its own Service of that name, an application and an Envoy. */
export type PodName = `${string}/${string}`

export interface Asked {
  readonly path?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Pods of several namespaces that all reach each other, with real Envoys. */
export async function startSecurityWorld<Name extends PodName>(
  names: readonly Name[],
  settings: { readonly certificates?: CertificateSettings; readonly keys?: KeyFetcherSettings } = {},
) {
  const block = await claimLoopbackBlock()
  const api = createMemoryApi(Date.now)
  const kubernetes = api.client('test')
  const addressOf = (from: number, to: number) => `${block.prefix}.${160 + from}.${to + 1}`
  const pods = new Map(
    names.map((name, index) => [name, podOf(name, index, names, { block: block.prefix, addressOf })]),
  )
  for (const namespace of new Set(names.map((name) => split(name).namespace))) {
    await place(api, namespaceKind, namespaceOf(namespace))
  }
  for (const [name, pod] of pods) {
    const { namespace, own } = split(name)
    const slice = sliceOf(own, [pod])
    await place(api, podKind, pod)
    await place(api, serviceKind, serviceOf(own, { metadata: { namespace } }))
    await place(api, endpointSliceKind, { ...slice, metadata: { ...slice.metadata, namespace } })
  }
  const start = () => startMesh({ api, host: `${block.prefix}.0.1`, port: 15_010, ...settings })
  let mesh = await start()
  const { xds } = mesh
  const binary = await envoyPath()
  const backends = new Map(
    await Promise.all(
      names.map(async (name, index) => [name, await startBackend(name, `${block.prefix}.64.${index + 1}`)] as const),
    ),
  )
  const envoys = new Map(
    await Promise.all([...pods].map(async ([name, pod]) => [name, await startEnvoy({ binary, pod, xds })] as const)),
  )
  await Promise.all([...envoys.values()].map(untilEnvoyReady))
  const podIp = (name: Name) => pods.get(name)?.status?.podIP ?? ''
  const urlOf = (from: Name, to: Name, path = '/') =>
    `http://${addressOf(names.indexOf(from), names.indexOf(to))}:${publishedPort(80)}${path}`

  return {
    api,
    mesh: () => mesh,
    /** Another control plane takes the place of the first. */
    async restartMesh(): Promise<void> {
      await mesh.stop()
      mesh = await start()
    },
    kubernetes,
    urlOf,
    envoy: (name: Name) => found(envoys, name),
    app: (name: Name) => found(backends, name),
    /** Through the sidecar of the pod that asks. */
    ask: (from: Name, to: Name, { path, ...rest }: Asked = {}): Promise<Answer> => get(urlOf(from, to, path), rest),
    /** As a program outside of the mesh does: straight to the pod, in plain text. */
    askPlain: (to: Name, { path = '/', ...rest }: Asked = {}): Promise<Answer> =>
      get(`http://${podIp(to)}:8080${path}`, rest),
    /** As a program that holds this certificate. */
    askWith: (leaf: Pick<Leaf, 'certificateChain' | 'privateKey'>, to: Name): Promise<{ readonly status: number }> =>
      askWith(podIp(to), leaf),
    /** The identity in the certificate that a pod shows, and until when that is valid. */
    certificateOf: (name: Name) => readCertificate(podIp(name)),
    async place(...objects: readonly KubernetesObject[]): Promise<void> {
      for (const object of objects) await place(api, kindOf(object), object)
    },
    /** Takes all policies away, and returns when plain text is answered again. */
    async reset(): Promise<void> {
      for (const kind of Object.values(securityKinds)) {
        for (const object of api.list(kind)) await kubernetes.delete(kind, object.metadata)
      }
      for (const backend of backends.values()) backend.requests.length = 0
      await eventually(async () => {
        for (const name of names) if ((await get(`http://${podIp(name)}:8080/`)).status !== 200) return false
        return true
      })
    },
    async stop(): Promise<void> {
      await Promise.all([...envoys.values()].map((envoy) => envoy.stop()))
      await mesh.stop()
      await Promise.all([...backends.values()].map((backend) => backend.stop()))
      await block[Symbol.asyncDispose]()
    },
  }
}

export type SecurityWorld<Name extends PodName> = Awaited<ReturnType<typeof startSecurityWorld<Name>>>

function split(name: PodName): { readonly namespace: string; readonly own: string } {
  const [namespace = '', own = ''] = name.split('/')
  return { namespace, own }
}

function podOf(
  name: PodName,
  index: number,
  names: readonly PodName[],
  { block, addressOf }: { readonly block: string; readonly addressOf: (from: number, to: number) => string },
): Pod {
  const { namespace, own } = split(name)
  const pod = meshPodOf(`${own}-0`, {
    workload: own,
    ip: `${block}.1.${index + 1}`,
    appAddress: `${block}.64.${index + 1}`,
    serviceAddresses: Object.fromEntries(names.map((other, to) => [other, addressOf(index, to)])),
  })
  return { ...pod, metadata: { ...pod.metadata, namespace }, spec: { ...pod.spec, serviceAccountName: own } }
}

function kindOf({ kind }: KubernetesObject): ResourceKind {
  const known = securityKinds[kind]
  if (known === undefined) throw new Error(`this world places no ${kind}`)
  return known
}

function found<Name, Value>(values: ReadonlyMap<Name, Value>, name: Name): Value {
  const value = values.get(name)
  if (value === undefined) throw new Error(`there is no ${name}`)
  return value
}

/** Status 0 when it is refused. */
function askWith(host: string, { certificateChain, privateKey }: Pick<Leaf, 'certificateChain' | 'privateKey'>) {
  return new Promise<{ readonly status: number }>((resolve) => {
    const tls = { cert: certificateChain, key: privateKey, ALPNProtocols: ['istio', 'http/1.1'] }
    const asked = request({ host, port: 8080, ...tls, rejectUnauthorized: false, agent: false }, (response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0 })
    })
    asked.on('error', () => resolve({ status: 0 }))
    asked.end()
  })
}

function readCertificate(host: string): Promise<{ readonly identity: string; readonly serial: string }> {
  return new Promise((resolve, reject) => {
    const ALPNProtocols = ['istio', 'http/1.1']
    const socket = connect({ host, port: 8080, ALPNProtocols, rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerX509Certificate()
      resolve({ identity: certificate?.subjectAltName ?? '', serial: certificate?.serialNumber ?? '' })
      socket.destroy()
    })
    socket.on('error', reject)
  })
}
