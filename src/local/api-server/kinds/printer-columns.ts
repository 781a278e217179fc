import { arrayAt, type Json, type JsonObject, numberAt, objectAt, stringAt } from '../json.ts'
import { renderLabelSelector } from '../selectors.ts'
import { age } from './age.ts'
import { hasCondition } from './custom-resources.ts'
import { podReady, podRestarts, podStatus } from './pod-columns.ts'

export interface Column {
  readonly name: string
  readonly type: string
  readonly format: string
  readonly description: string
  readonly priority: number
  readonly cell: (object: JsonObject, now: number) => Json
}

type Cell = Column['cell']

const column = (name: string, cell: Cell, type = 'string', priority = 0): Column => ({
  name,
  type,
  format: '',
  description: '',
  priority,
  cell,
})
const wide = (name: string, cell: Cell): Column => column(name, cell, 'string', 1)
const number = (name: string, ...path: readonly string[]): Column =>
  column(name, (object) => numberAt(object, ...path) ?? 0, 'integer')
const text =
  (fallback: string, ...path: readonly string[]): Cell =>
  (object) =>
    stringAt(object, ...path) || fallback
const count =
  (...path: readonly string[]): Cell =>
  (object) =>
    Object.keys(objectAt(object, ...path) ?? {}).length
const ageColumn = column('Age', (object, now) => age(stringAt(object, 'metadata', 'creationTimestamp'), now))

const template = ['spec', 'template', 'spec', 'containers']
const list =
  (field: string): Cell =>
  (object) =>
    arrayAt(object, ...template)
      .map((container) => stringAt(container, field) ?? '')
      .join(',') || '<none>'
const selector: Cell = (object) => renderLabelSelector(objectAt(object, 'spec', 'selector') ?? {}) || '<none>'
const workloadWide = [wide('Containers', list('name')), wide('Images', list('image')), wide('Selector', selector)]

const ports: Cell = (object) =>
  arrayAt(object, 'spec', 'ports')
    .map((port) => {
      const node = numberAt(port, 'nodePort')
      return `${numberAt(port, 'port')}${node ? `:${node}` : ''}/${stringAt(port, 'protocol') ?? 'TCP'}`
    })
    .join(',') || '<none>'

const labelsText = (labels: JsonObject | undefined): string =>
  Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(',') || '<none>'

const eventTime: Cell = (object, now) =>
  age(
    stringAt(object, 'lastTimestamp') ??
      stringAt(object, 'eventTime') ??
      stringAt(object, 'metadata', 'creationTimestamp'),
    now,
  )

const subject: Cell = (object) =>
  `${(stringAt(object, 'involvedObject', 'kind') ?? '').toLowerCase()}/${stringAt(object, 'involvedObject', 'name') ?? ''}`

const addresses: Cell = (object) =>
  arrayAt(object, 'endpoints')
    .flatMap((endpoint) => arrayAt(endpoint, 'addresses'))
    .join(',') || '<unset>'

const slicePorts: Cell = (object) =>
  arrayAt(object, 'ports')
    .map((port) => String(numberAt(port, 'port') ?? '*'))
    .join(',') || '<unset>'

const subsets: Cell = (object) =>
  arrayAt(object, 'subsets')
    .flatMap((subset) =>
      arrayAt(subset, 'addresses').flatMap((address) =>
        arrayAt(subset, 'ports').map((port) => `${stringAt(address, 'ip')}:${numberAt(port, 'port')}`),
      ),
    )
    .join(',') || '<none>'

const nodeStatus: Cell = (object) => (hasCondition(object, 'Ready') ? 'Ready' : 'NotReady')

const columns: Readonly<Record<string, readonly Column[]>> = {
  '/pods': [
    column('Ready', podReady),
    column('Status', podStatus),
    column('Restarts', podRestarts),
    ageColumn,
    wide('IP', text('<none>', 'status', 'podIP')),
    wide('Node', text('<none>', 'spec', 'nodeName')),
    wide('Nominated Node', () => '<none>'),
    wide('Readiness Gates', () => '<none>'),
  ],
  '/services': [
    column('Type', text('', 'spec', 'type')),
    column('Cluster-IP', text('<none>', 'spec', 'clusterIP')),
    column('External-IP', text('<none>', 'spec', 'externalName')),
    column('Port(s)', ports),
    ageColumn,
    wide('Selector', (object) => labelsText(objectAt(object, 'spec', 'selector'))),
  ],
  '/namespaces': [column('Status', text('', 'status', 'phase')), ageColumn],
  '/configmaps': [column('Data', count('data')), ageColumn],
  '/secrets': [column('Type', text('', 'type')), column('Data', count('data'), 'integer'), ageColumn],
  '/serviceaccounts': [column('Secrets', (object) => arrayAt(object, 'secrets').length, 'integer'), ageColumn],
  '/endpoints': [column('Endpoints', subsets), ageColumn],
  '/nodes': [
    column('Status', nodeStatus),
    column('Roles', () => '<none>'),
    ageColumn,
    column('Version', text('', 'status', 'nodeInfo', 'kubeletVersion')),
  ],
  '/events': [
    column('Last Seen', eventTime),
    column('Type', text('', 'type')),
    column('Reason', text('', 'reason')),
    column('Object', subject),
    wide('Subobject', text('', 'involvedObject', 'fieldPath')),
    wide('Source', text('', 'source', 'component')),
    column('Message', (object) => (stringAt(object, 'message') ?? '').trim()),
    wide('First Seen', (object, now) => age(stringAt(object, 'firstTimestamp'), now)),
    wide('Count', (object) => numberAt(object, 'count') ?? 1),
  ],
  'apps/deployments': [
    column(
      'Ready',
      (object) => `${numberAt(object, 'status', 'readyReplicas') ?? 0}/${numberAt(object, 'spec', 'replicas') ?? 0}`,
    ),
    number('Up-to-date', 'status', 'updatedReplicas'),
    number('Available', 'status', 'availableReplicas'),
    ageColumn,
    ...workloadWide,
  ],
  'apps/replicasets': [
    number('Desired', 'spec', 'replicas'),
    number('Current', 'status', 'replicas'),
    number('Ready', 'status', 'readyReplicas'),
    ageColumn,
    ...workloadWide,
  ],
  'discovery.k8s.io/endpointslices': [
    column('AddressType', text('', 'addressType')),
    column('Ports', slicePorts),
    column('Endpoints', addresses),
    ageColumn,
  ],
  'coordination.k8s.io/leases': [column('Holder', text('', 'spec', 'holderIdentity')), ageColumn],
  'apiextensions.k8s.io/customresourcedefinitions': [
    column('Created At', text('', 'metadata', 'creationTimestamp'), 'date'),
  ],
  'rbac.authorization.k8s.io/roles': [column('Created At', text('', 'metadata', 'creationTimestamp'), 'date')],
  'rbac.authorization.k8s.io/clusterroles': [column('Created At', text('', 'metadata', 'creationTimestamp'), 'date')],
  'rbac.authorization.k8s.io/rolebindings': [column('Role', roleRef), ageColumn],
  'rbac.authorization.k8s.io/clusterrolebindings': [column('Role', roleRef), ageColumn],
}

function roleRef(object: JsonObject): Json {
  return `${stringAt(object, 'roleRef', 'kind') ?? ''}/${stringAt(object, 'roleRef', 'name') ?? ''}`
}

/** The columns after the name. */
export const builtinColumns = (storage: string): readonly Column[] =>
  (Object.hasOwn(columns, storage) ? columns[storage] : undefined) ?? [ageColumn]
