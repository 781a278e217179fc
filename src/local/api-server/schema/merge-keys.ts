import type { TypeSchema } from './type-schema.ts'

type Annotations = Partial<TypeSchema>

/** A list merged by the strategic patch on one key and by server-side apply on the same or more keys. */
const listBy = (mergeKey: string, ...keys: readonly string[]): Annotations => ({
  'x-kubernetes-patch-strategy': 'merge',
  'x-kubernetes-patch-merge-key': mergeKey,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': keys.length === 0 ? [mergeKey] : keys,
})

const atomic: Annotations = { 'x-kubernetes-map-type': 'atomic' }
const set: Annotations = { 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' }
const retainKeys: Annotations = { 'x-kubernetes-patch-strategy': 'retainKeys' }
const conditions = listBy('type')
const quantities: Annotations = { additionalProperties: { 'x-kubernetes-int-or-string': true, format: 'quantity' } }

/** What the Go types of Kubernetes say in tags and the models leave out: how lists and maps merge. */
export const fieldAnnotations: Readonly<Record<string, Readonly<Record<string, Annotations>>>> = {
  V1ObjectMeta: { ownerReferences: listBy('uid'), finalizers: set },
  V1PodSpec: {
    containers: listBy('name'),
    initContainers: listBy('name'),
    ephemeralContainers: listBy('name'),
    volumes: { ...listBy('name'), 'x-kubernetes-patch-strategy': 'merge,retainKeys' },
    imagePullSecrets: listBy('name'),
    hostAliases: listBy('ip'),
    topologySpreadConstraints: listBy('topologyKey', 'topologyKey', 'whenUnsatisfiable'),
    nodeSelector: atomic,
    schedulingGates: listBy('name'),
    overhead: quantities,
  },
  V1Container: {
    ports: listBy('containerPort', 'containerPort', 'protocol'),
    env: listBy('name'),
    volumeMounts: listBy('mountPath'),
    volumeDevices: listBy('devicePath'),
    resizePolicy: { 'x-kubernetes-list-type': 'atomic' },
  },
  V1ContainerPort: { protocol: { default: 'TCP' } },
  V1PodStatus: { conditions, podIPs: listBy('ip'), hostIPs: { 'x-kubernetes-list-type': 'atomic' } },
  V1ServiceSpec: { ports: listBy('port', 'port', 'protocol'), selector: atomic },
  V1ServicePort: { protocol: { default: 'TCP' } },
  V1ServiceStatus: { conditions },
  V1ServiceAccount: { secrets: listBy('name') },
  V1DeploymentSpec: { strategy: retainKeys },
  V1DeploymentStatus: { conditions },
  V1ReplicaSetStatus: { conditions },
  V1StatefulSetStatus: { conditions },
  V1DaemonSetStatus: { conditions },
  V1JobStatus: { conditions },
  V1NamespaceStatus: { conditions },
  V1PodDisruptionBudgetStatus: { conditions },
  V1NodeStatus: { conditions, addresses: listBy('type'), capacity: quantities, allocatable: quantities },
  V2HorizontalPodAutoscalerStatus: { conditions: listBy('type') },
  V1CustomResourceDefinitionStatus: { conditions: listBy('type') },
  V1ResourceRequirements: { limits: quantities, requests: quantities, claims: listBy('name') },
  V1VolumeResourceRequirements: { limits: quantities, requests: quantities },
  V1ResourceQuotaSpec: { hard: quantities },
  V1ResourceQuotaStatus: { hard: quantities, used: quantities },
  V1LimitRangeItem: {
    _default: quantities,
    default: quantities,
    defaultRequest: quantities,
    max: quantities,
    maxLimitRequestRatio: quantities,
    min: quantities,
  },
  V1MutatingWebhookConfiguration: { webhooks: listBy('name') },
  V1ValidatingWebhookConfiguration: { webhooks: listBy('name') },
  V1PodDisruptionBudgetSpec: { selector: { 'x-kubernetes-patch-strategy': 'replace' } },
  V1EmptyDirVolumeSource: { sizeLimit: { 'x-kubernetes-int-or-string': true, format: 'quantity' } },
  V1ResourceFieldSelector: { divisor: { 'x-kubernetes-int-or-string': true, format: 'quantity' } },
}

/** Types that are always replaced as a whole by server-side apply. */
export const atomicTypes: ReadonlySet<string> = new Set([
  'V1LabelSelector',
  'V1ObjectReference',
  'V1LocalObjectReference',
  'V1TypedLocalObjectReference',
  'V1SecretReference',
  'V1ConfigMapKeySelector',
  'V1SecretKeySelector',
  'V1ObjectFieldSelector',
  'V1ResourceFieldSelector',
  'V1NodeSelector',
  'V1NodeSelectorTerm',
  'V1RoleRef',
  'RbacV1Subject',
])
