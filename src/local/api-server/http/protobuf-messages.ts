/** How a field of a message is written: a scalar, another message, or a list or a map of those. */
export type FieldType =
  | 'string'
  | 'bytes'
  | 'int'
  /** Zero is a value of its own: the field is a pointer in Go. */
  | 'exactInt'
  | 'bool'
  | 'time'
  | 'intOrString'
  | 'quantity'
  | { readonly message: string }
  | { readonly list: FieldType }
  | { readonly map: FieldType }

export type Message = Readonly<Record<number, readonly [name: string, type: FieldType]>>

const strings: FieldType = { list: 'string' }
const stringMap: FieldType = { map: 'string' }
const message = (name: string): FieldType => ({ message: name })
const listOf = (name: string): FieldType => ({ list: { message: name } })

/**
 * Field numbers of Kubernetes' protobuf messages, for the objects that `kubectl create` builds itself, and for what helm
 * deletes: they send those in protobuf only. Fields that no such command fills are left out; a body that carries one is refused by name.
 */
export const messages: Readonly<Record<string, Message>> = {
  ObjectMeta: {
    1: ['name', 'string'],
    2: ['generateName', 'string'],
    3: ['namespace', 'string'],
    5: ['uid', 'string'],
    6: ['resourceVersion', 'string'],
    8: ['creationTimestamp', 'time'],
    11: ['labels', stringMap],
    12: ['annotations', stringMap],
  },
  DeleteOptions: {
    1: ['gracePeriodSeconds', 'exactInt'],
    2: ['preconditions', message('Preconditions')],
    3: ['orphanDependents', 'bool'],
    4: ['propagationPolicy', 'string'],
    5: ['dryRun', strings],
  },
  Preconditions: { 1: ['uid', 'string'], 2: ['resourceVersion', 'string'] },
  Namespace: { 1: ['metadata', message('ObjectMeta')], 2: ['spec', message('Empty')], 3: ['status', message('Empty')] },
  Empty: {},
  ConfigMap: {
    1: ['metadata', message('ObjectMeta')],
    2: ['data', stringMap],
    3: ['binaryData', { map: 'bytes' }],
    4: ['immutable', 'bool'],
  },
  Secret: {
    1: ['metadata', message('ObjectMeta')],
    2: ['data', { map: 'bytes' }],
    3: ['type', 'string'],
    4: ['stringData', stringMap],
    5: ['immutable', 'bool'],
  },
  ServiceAccount: { 1: ['metadata', message('ObjectMeta')] },
  Service: {
    1: ['metadata', message('ObjectMeta')],
    2: ['spec', message('ServiceSpec')],
    3: ['status', message('ServiceStatus')],
  },
  ServiceStatus: { 1: ['loadBalancer', message('Empty')] },
  ServiceSpec: {
    1: ['ports', listOf('ServicePort')],
    2: ['selector', stringMap],
    3: ['clusterIP', 'string'],
    4: ['type', 'string'],
    5: ['externalIPs', strings],
    7: ['sessionAffinity', 'string'],
    8: ['loadBalancerIP', 'string'],
    10: ['externalName', 'string'],
    11: ['externalTrafficPolicy', 'string'],
    12: ['healthCheckNodePort', 'int'],
    13: ['publishNotReadyAddresses', 'bool'],
  },
  ServicePort: {
    1: ['name', 'string'],
    2: ['protocol', 'string'],
    3: ['port', 'int'],
    4: ['targetPort', 'intOrString'],
    5: ['nodePort', 'int'],
    6: ['appProtocol', 'string'],
  },
  Deployment: {
    1: ['metadata', message('ObjectMeta')],
    2: ['spec', message('DeploymentSpec')],
    3: ['status', message('DeploymentStatus')],
  },
  DeploymentStatus: {
    1: ['observedGeneration', 'int'],
    2: ['replicas', 'int'],
    3: ['updatedReplicas', 'int'],
    4: ['availableReplicas', 'int'],
    5: ['unavailableReplicas', 'int'],
    7: ['readyReplicas', 'int'],
  },
  DeploymentSpec: {
    1: ['replicas', 'int'],
    2: ['selector', message('LabelSelector')],
    3: ['template', message('PodTemplateSpec')],
    4: ['strategy', message('Empty')],
    5: ['minReadySeconds', 'int'],
    7: ['paused', 'bool'],
  },
  LabelSelector: { 1: ['matchLabels', stringMap] },
  PodTemplateSpec: { 1: ['metadata', message('ObjectMeta')], 2: ['spec', message('PodSpec')] },
  PodSpec: {
    2: ['containers', listOf('Container')],
    3: ['restartPolicy', 'string'],
    6: ['dnsPolicy', 'string'],
    8: ['serviceAccountName', 'string'],
    9: ['serviceAccount', 'string'],
    10: ['nodeName', 'string'],
    11: ['hostNetwork', 'bool'],
    12: ['hostPID', 'bool'],
    13: ['hostIPC', 'bool'],
    16: ['hostname', 'string'],
    17: ['subdomain', 'string'],
    19: ['schedulerName', 'string'],
    24: ['priorityClassName', 'string'],
  },
  Container: {
    1: ['name', 'string'],
    2: ['image', 'string'],
    3: ['command', strings],
    4: ['args', strings],
    5: ['workingDir', 'string'],
    6: ['ports', listOf('ContainerPort')],
    7: ['env', listOf('EnvVar')],
    8: ['resources', message('ResourceRequirements')],
    13: ['terminationMessagePath', 'string'],
    14: ['imagePullPolicy', 'string'],
    16: ['stdin', 'bool'],
    17: ['stdinOnce', 'bool'],
    18: ['tty', 'bool'],
    20: ['terminationMessagePolicy', 'string'],
  },
  ContainerPort: {
    1: ['name', 'string'],
    2: ['hostPort', 'int'],
    3: ['containerPort', 'int'],
    4: ['protocol', 'string'],
    5: ['hostIP', 'string'],
  },
  EnvVar: { 1: ['name', 'string'], 2: ['value', 'string'] },
  ResourceRequirements: { 1: ['limits', { map: 'quantity' }], 2: ['requests', { map: 'quantity' }] },
}
