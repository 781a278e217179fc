import { type Probe, renderBootstrap, renderTokenSecret, renderXdsTrust } from '../envoy/index.ts'
import { controlPlaneIdentity, nodeId, rootsKey, rootsName } from '../model/index.ts'
import type { PodWishes } from './annotations.ts'
import { probePort } from './probes.ts'
import { proxyUser } from './rules.ts'
import type { InjectionSettings } from './settings.ts'

export const proxyName = 'istio-proxy'
export const initName = 'istio-init'
export const volumeNames = { credentials: 'sluice-credentials', data: 'sluice-data', rules: 'sluice-rules' }

/** The pod carries the contents of files in annotations, which volumes show as files. */
export const fileAnnotations = {
  rules: 'mesh.sluice.dev/interception-rules',
  trust: 'mesh.sluice.dev/xds-trust',
  token: 'mesh.sluice.dev/xds-token-secret',
}

/** What the projected token is for; the mesh asks Kubernetes for it. */
const tokenAudience = 'sluice-mesh'
const TOKEN_SECONDS = 3_600

const credentials = '/var/run/secrets/sluice'
const data = '/var/run/sluice'
const rules = '/etc/sluice'
const ports = { metrics: 15_090, readiness: 15_021 }

/** Runs once, before everything else of the pod, and needs rights over the pod's network for it. */
export const initContainer = ({ image }: PodWishes, { imagePullPolicy }: InjectionSettings) => ({
  name: initName,
  image,
  ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
  command: ['iptables-restore'],
  args: ['--noflush', `${rules}/rules`],
  resources: { requests: { cpu: '10m', memory: '10Mi' }, limits: { cpu: '100m', memory: '50Mi' } },
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW'] },
    privileged: false,
    readOnlyRootFilesystem: false,
    runAsGroup: 0,
    runAsNonRoot: false,
    runAsUser: 0,
  },
  volumeMounts: [{ name: volumeNames.rules, mountPath: rules, readOnly: true }],
})

/** Starts before the programs and ends after them. */
export const proxyContainer = (wishes: PodWishes, settings: InjectionSettings, pod: ProxiedPod) => ({
  name: proxyName,
  image: wishes.image,
  ...(settings.imagePullPolicy === undefined ? {} : { imagePullPolicy: settings.imagePullPolicy }),
  restartPolicy: 'Always',
  command: ['envoy'],
  args: [
    '--config-yaml',
    bootstrapArgument(settings, pod),
    // The second Envoy of a host exits without it.
    '--disable-hot-restart',
    // A changed policy counts for connections that are there already: each answers once more, and closes.
    ...['--drain-strategy', 'immediate', '--drain-time-s', '30'],
    ...['--log-level', 'warning'],
    ...(wishes.concurrency === 0 ? [] : ['--concurrency', `${wishes.concurrency}`]),
  ],
  env: [
    { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
    { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } } },
    { name: 'POD_IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
  ],
  ports: [{ name: 'http-envoy-prom', containerPort: ports.metrics, protocol: 'TCP' }],
  startupProbe: { ...ready, periodSeconds: 1, failureThreshold: 600 },
  readinessProbe: { ...ready, periodSeconds: 5, failureThreshold: 4 },
  resources: wishes.resources,
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    privileged: false,
    readOnlyRootFilesystem: true,
    runAsGroup: proxyUser,
    runAsNonRoot: true,
    runAsUser: proxyUser,
  },
  volumeMounts: [
    { name: volumeNames.credentials, mountPath: credentials, readOnly: true },
    { name: volumeNames.data, mountPath: data },
  ],
})

const ready = { httpGet: { path: '/healthz/ready', port: ports.readiness, scheme: 'HTTP' }, timeoutSeconds: 3 }

export interface ProxiedPod {
  /** Of the workload, for people. */
  readonly name: string
  readonly probes: readonly Probe[]
}

/** Kubelets put the pod's own words in the place of these. */
const words = { address: '$(POD_IP)', pod: '$(POD_NAME)', namespace: '$(POD_NAMESPACE)' }

function bootstrapArgument(settings: InjectionSettings, { name, probes }: ProxiedPod): string {
  const [address = '', port] = settings.xds.split(':')
  const text = renderBootstrap({
    nodeId: nodeId({ role: 'sidecar', ...words }),
    nodeCluster: `${name}.${words.namespace}`,
    xds: {
      address,
      port: Number(port),
      tokenFile: { path: `${credentials}/token-secret.json`, directory: credentials },
      trust: { path: `${credentials}/trust.json`, directory: credentials, identity: controlPlaneIdentity },
    },
    metrics: { address: '0.0.0.0', port: ports.metrics },
    readiness: { address: '0.0.0.0', port: ports.readiness },
    adminSocketPath: `${data}/admin.sock`,
    ...(probes.length === 0
      ? {}
      : { probes: { bind: { address: '0.0.0.0', port: probePort }, address: words.address, probes } }),
  })
  // Of other dollars a kubelet would take every second one.
  return JSON.stringify(JSON.parse(text)).replaceAll(/\$(?!\((?:POD_IP|POD_NAME|POD_NAMESPACE)\))/g, '$$$$')
}

export const fileContents = (interceptionRules: string): Readonly<Record<string, string>> => ({
  [fileAnnotations.rules]: interceptionRules,
  [fileAnnotations.trust]: renderXdsTrust({ directory: credentials, path: `${credentials}/root-cert.pem` }),
  [fileAnnotations.token]: renderTokenSecret(`${credentials}/token`),
})

const annotationFile = (path: string, annotation: string) => ({
  path,
  fieldRef: { apiVersion: 'v1', fieldPath: `metadata.annotations['${annotation}']` },
})

export const proxyVolumes = () => [
  { name: volumeNames.data, emptyDir: { medium: 'Memory' } },
  {
    name: volumeNames.rules,
    downwardAPI: { defaultMode: 0o644, items: [annotationFile('rules', fileAnnotations.rules)] },
  },
  {
    name: volumeNames.credentials,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { audience: tokenAudience, expirationSeconds: TOKEN_SECONDS, path: 'token' } },
        { configMap: { name: rootsName, items: [{ key: rootsKey, path: 'root-cert.pem' }] } },
        {
          downwardAPI: {
            items: [
              annotationFile('trust.json', fileAnnotations.trust),
              annotationFile('token-secret.json', fileAnnotations.token),
            ],
          },
        },
      ],
    },
  },
]
