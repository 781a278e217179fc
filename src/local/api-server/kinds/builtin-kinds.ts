import type { JsonObject } from '../json.ts'

/** A kind that is served without a CustomResourceDefinition. */
export interface BuiltinKind {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  /** Name of its type among the models. */
  readonly model: string
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly status?: boolean
  readonly scale?: boolean
  /** Whether metadata.generation counts changes of the spec. */
  readonly generation?: boolean
  /** Status of a new object; `{}` where the kind has one at all. */
  readonly newStatus?: JsonObject
  /** Field selectors beside metadata.name and metadata.namespace. */
  readonly fieldSelectors?: readonly string[]
}

const kind = (
  groupVersion: string,
  name: string,
  plural: string,
  more: Partial<BuiltinKind> & { readonly cluster?: boolean } = {},
): BuiltinKind => {
  const [group, version] = groupVersion.includes('/') ? groupVersion.split('/') : ['', groupVersion]
  const { cluster, ...rest } = more
  return {
    group: group ?? '',
    version: version ?? 'v1',
    kind: name,
    plural,
    namespaced: cluster !== true,
    model: `V1${name}`,
    ...rest,
  }
}

const workload = { status: true, scale: true, generation: true, categories: ['all'] } as const
const cluster = { cluster: true } as const
const eventFields = ['involvedObject.kind', 'involvedObject.namespace', 'involvedObject.name', 'involvedObject.uid']
const admission = { cluster: true, categories: ['api-extensions'], generation: true } as const

export const builtinKinds: readonly BuiltinKind[] = [
  kind('v1', 'Namespace', 'namespaces', {
    ...cluster,
    shortNames: ['ns'],
    status: true,
    fieldSelectors: ['status.phase'],
  }),
  kind('v1', 'Pod', 'pods', {
    shortNames: ['po'],
    categories: ['all'],
    status: true,
    generation: true,
    fieldSelectors: ['spec.nodeName', 'status.phase', 'spec.restartPolicy', 'spec.serviceAccountName', 'status.podIP'],
  }),
  kind('v1', 'Service', 'services', {
    newStatus: { loadBalancer: {} },
    shortNames: ['svc'],
    categories: ['all'],
    status: true,
    fieldSelectors: ['spec.clusterIP', 'spec.type'],
  }),
  kind('v1', 'ConfigMap', 'configmaps', { shortNames: ['cm'] }),
  kind('v1', 'Secret', 'secrets', { fieldSelectors: ['type'] }),
  kind('v1', 'Event', 'events', {
    model: 'CoreV1Event',
    shortNames: ['ev'],
    fieldSelectors: [...eventFields, 'involvedObject.fieldPath', 'reason', 'type', 'source', 'reportingComponent'],
  }),
  kind('v1', 'ServiceAccount', 'serviceaccounts', { shortNames: ['sa'] }),
  kind('v1', 'Endpoints', 'endpoints', { shortNames: ['ep'] }),
  kind('v1', 'Node', 'nodes', { ...cluster, shortNames: ['no'], status: true, fieldSelectors: ['spec.unschedulable'] }),
  kind('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims', { shortNames: ['pvc'], status: true }),
  kind('v1', 'ResourceQuota', 'resourcequotas', { shortNames: ['quota'], status: true }),
  kind('v1', 'LimitRange', 'limitranges', { shortNames: ['limits'] }),
  kind('apps/v1', 'Deployment', 'deployments', { ...workload, shortNames: ['deploy'] }),
  kind('apps/v1', 'ReplicaSet', 'replicasets', {
    newStatus: { replicas: 0 },
    ...workload,
    shortNames: ['rs'],
    fieldSelectors: ['status.replicas'],
  }),
  kind('apps/v1', 'StatefulSet', 'statefulsets', {
    ...workload,
    newStatus: { replicas: 0, availableReplicas: 0 },
    shortNames: ['sts'],
  }),
  kind('apps/v1', 'DaemonSet', 'daemonsets', { ...workload, scale: false, shortNames: ['ds'] }),
  kind('batch/v1', 'Job', 'jobs', { status: true, generation: true, categories: ['all'] }),
  kind('batch/v1', 'CronJob', 'cronjobs', { status: true, generation: true, shortNames: ['cj'], categories: ['all'] }),
  kind('autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers', {
    model: 'V2HorizontalPodAutoscaler',
    status: true,
    shortNames: ['hpa'],
    categories: ['all'],
  }),
  kind('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets', {
    status: true,
    generation: true,
    shortNames: ['pdb'],
  }),
  kind('networking.k8s.io/v1', 'Ingress', 'ingresses', {
    newStatus: { loadBalancer: {} },
    status: true,
    generation: true,
    shortNames: ['ing'],
  }),
  kind('networking.k8s.io/v1', 'IngressClass', 'ingressclasses', { ...cluster, generation: true }),
  kind('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies', { generation: true, shortNames: ['netpol'] }),
  kind('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices', { generation: true }),
  kind('coordination.k8s.io/v1', 'Lease', 'leases'),
  kind('rbac.authorization.k8s.io/v1', 'Role', 'roles'),
  kind('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings'),
  kind('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', cluster),
  kind('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', cluster),
  kind('scheduling.k8s.io/v1', 'PriorityClass', 'priorityclasses', {
    ...cluster,
    shortNames: ['pc'],
    generation: true,
  }),
  kind('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', {
    ...cluster,
    status: true,
    newStatus: { conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions: [] },
    generation: true,
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
  }),
  kind('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', 'mutatingwebhookconfigurations', admission),
  kind(
    'admissionregistration.k8s.io/v1',
    'ValidatingWebhookConfiguration',
    'validatingwebhookconfigurations',
    admission,
  ),
  kind('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies', {
    ...admission,
    status: true,
  }),
  kind(
    'admissionregistration.k8s.io/v1',
    'ValidatingAdmissionPolicyBinding',
    'validatingadmissionpolicybindings',
    admission,
  ),
]
