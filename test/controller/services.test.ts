import { describe, expect, test } from 'vitest'
import {
  type Canary,
  canaryKind,
  type Deployment,
  type PodTemplate,
  type Service,
  serviceKind,
} from '../../src/api/index.ts'
import { isServiceAsWanted, planServices, renderService, type ServicePlan } from '../../src/controller/services.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { buildDeployment, startedCluster } from '../support/release-cluster.ts'

const marks = {
  'helm.toolkit.fluxcd.io/driftDetection': 'disabled',
  'kustomize.toolkit.fluxcd.io/reconcile': 'disabled',
  'sluice.dev/canary': 'web',
}
const http = { name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }

const canaryWith = (service: object = {}): Canary => {
  const canary = buildCanary()
  return { ...canary, spec: { ...canary.spec, service: { port: 80, portName: 'http', targetPort: 8080, ...service } } }
}

type Containers = PodTemplate['spec']['containers']

function workload(...containers: Containers): Deployment {
  const deployment = buildDeployment()
  const template = { ...deployment.spec.template, spec: { ...deployment.spec.template.spec, containers } }
  return containers.length === 0 ? deployment : { ...deployment, spec: { ...deployment.spec, template } }
}

function plans(canary: Canary, target = workload(), primary = target) {
  const found = planServices(canary, target, primary)
  if (found === undefined) throw new Error('the workload has no label')
  const [toPrimary, toCanary] = found.backends
  return { apex: found.apex, primary: toPrimary as ServicePlan, canary: toCanary as ServicePlan }
}

const apexOf = (canary: Canary, existing?: Service, target?: Deployment) =>
  renderService(canary, plans(canary, target).apex, existing)

const portsOf = (service: object, ...containers: Containers) =>
  apexOf(canaryWith({ portDiscovery: true, ...service }), undefined, workload(...containers)).spec.ports?.slice(1)

const found = (name: string, port: number, protocol = 'TCP') => ({ name, port, targetPort: port, protocol })

describe('a Service that is made', () => {
  test('says what its Canary says, and keeps what is said by Sluice', () => {
    const canary = canaryWith({
      appProtocol: 'kubernetes.io/h2c',
      trafficDistribution: 'PreferClose',
      headless: true,
      apex: {
        labels: { team: 'a', app: 'mine' },
        annotations: { note: 'b', 'sluice.dev/canary': 'c', 'kustomize.toolkit.fluxcd.io/checksum': 'd' },
      },
    })
    expect(apexOf(canary)).toEqual({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'web',
        namespace: 'default',
        labels: { team: 'a', app: 'web' },
        annotations: {
          ...marks,
          note: 'b',
          'sluice.dev/service-fields':
            '{"annotations":["note"],"fields":["appProtocol","trafficDistribution"],"labels":["team"]}',
        },
      },
      spec: {
        type: 'ClusterIP',
        clusterIP: 'None',
        selector: { app: 'web-primary' },
        ports: [{ ...http, appProtocol: 'kubernetes.io/h2c' }],
        trafficDistribution: 'PreferClose',
      },
    })
  })

  test('each of the three has metadata of its own', () => {
    const canary = canaryWith({ primary: { labels: { role: 'p' } }, canary: { annotations: { role: 'c' } } })
    const { apex, primary, canary: toCanary } = plans(canary)
    const metadata = [apex, primary, toCanary].map((plan) => renderService(canary, plan, undefined).metadata)
    expect(metadata.map(({ labels }) => labels)).toEqual([
      { app: 'web' },
      { role: 'p', app: 'web-primary' },
      { app: 'web-canary' },
    ])
    expect(metadata.map(({ annotations }) => annotations?.role)).toEqual([undefined, undefined, 'c'])
  })
})

describe('ports of the containers', () => {
  const web = { name: 'web', image: 'web:1' }

  test.each<[string, object, Containers, readonly object[]]>([
    [
      'by name and number',
      {},
      [{ ...web, ports: [{ name: 'metrics', containerPort: 9090 }] }],
      [found('metrics', 9090)],
    ],
    [
      'without a name',
      {},
      [{ ...web, ports: [{ containerPort: 1 }, { containerPort: 2 }] }],
      [found('tcp-web-0', 1), found('tcp-web-1', 2)],
    ],
    ['not the one of the Canary', {}, [{ ...web, ports: [{ name: 'x', containerPort: 8080 }] }], []],
    [
      'not the one of the Canary by name',
      { targetPort: 'x' },
      [{ ...web, ports: [{ name: 'x', containerPort: 1 }] }],
      [],
    ],
    [
      'not the one of the Canary where it has no target',
      { targetPort: undefined },
      [{ ...web, ports: [{ containerPort: 80 }] }],
      [],
    ],
    [
      'not its name or number again',
      {},
      [{ ...web, ports: [{ name: 'http', containerPort: 1 }, { containerPort: 80 }] }],
      [],
    ],
    ['not those of proxies', {}, [web, { name: 'istio-proxy', image: 'auto', ports: [{ containerPort: 15090 }] }], []],
    [
      'one number by both protocols',
      {},
      [{ ...web, ports: [{ containerPort: 53 }, { containerPort: 53, protocol: 'UDP' }, { containerPort: 53 }] }],
      [found('tcp-web-0', 53), found('udp-web-1', 53, 'UDP')],
    ],
    ['none unless it is asked for', { portDiscovery: false }, [{ ...web, ports: [{ containerPort: 1 }] }], []],
  ])('%s', (_, service, containers, ports) => {
    expect(portsOf(service, ...containers)).toEqual(ports)
  })

  test('are those of the pods that each Service leads to', () => {
    const target = workload({ ...web, ports: [{ name: 'metrics', containerPort: 9091 }] })
    const primary = workload({ ...web, ports: [{ name: 'metrics', containerPort: 9090 }] })
    const planned = plans(canaryWith({ portDiscovery: true }), target, primary)
    const numbers = [planned.apex, planned.primary, planned.canary].map(({ ports }) => ports.map(({ port }) => port))
    expect(numbers).toEqual([
      [80, 9090],
      [80, 9090],
      [80, 9091],
    ])
  })
})

describe('a Service that exists', () => {
  const full = canaryWith({
    appProtocol: 'http',
    trafficDistribution: 'PreferClose',
    portDiscovery: true,
    apex: { labels: { team: 'a' }, annotations: { note: 'b' } },
  })
  const target = workload({ name: 'web', image: 'web:1', ports: [{ name: 'metrics', containerPort: 9090 }] })
  const made = apexOf(full, undefined, target)

  test('is not written again', () => {
    expect(isServiceAsWanted(full, plans(full, target).apex, made)).toBe(true)
    const plain = canaryWith()
    expect(isServiceAsWanted(plain, plans(plain).apex, apexOf(plain))).toBe(true)
  })

  test('loses what is asked for no more, and nothing else', () => {
    const others: Service = {
      ...made,
      metadata: {
        ...made.metadata,
        labels: { ...made.metadata.labels, other: '1' },
        annotations: { ...made.metadata.annotations, other: '1' },
      },
      spec: { ...made.spec, clusterIP: '10.0.0.1', ports: [...(made.spec.ports ?? []), found('other', 7)] },
    }
    const plain = canaryWith()
    const { trafficDistribution: _, ...spec } = others.spec
    expect(apexOf(plain, others, target)).toEqual({
      ...others,
      metadata: { ...made.metadata, labels: { app: 'web', other: '1' }, annotations: { ...marks, other: '1' } },
      spec: { ...spec, ports: [http, found('other', 7)] },
    })
  })

  test('keeps metadata that is not managed, whoever set it first', () => {
    const unmanagedMetadata = { labels: ['team', 'new'], annotations: ['note'] }
    const apex = { labels: { team: 'z', new: 'n' }, annotations: {} }
    const { metadata } = apexOf(canaryWith({ apex, unmanagedMetadata }), made)
    expect([metadata.labels, metadata.annotations?.note]).toEqual([{ app: 'web', team: 'a', new: 'n' }, 'b'])
  })

  test('keeps its address when it should have none', () => {
    const existing = { ...made, spec: { ...made.spec, clusterIP: '10.0.0.1' } }
    expect(apexOf(canaryWith({ headless: true }), existing).spec.clusterIP).toBe('10.0.0.1')
  })

  test('of the user gets selector and ports only', () => {
    const own: Service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default', labels: { team: 'user' } },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, name: 'http', nodePort: 30_000 }] },
    }
    expect(apexOf(full, own, target)).toEqual({
      ...own,
      spec: {
        selector: { app: 'web-primary' },
        ports: [{ ...http, appProtocol: 'http', nodePort: 30_000 }, found('metrics', 9090)],
      },
    })
  })

  test('whose record is unreadable loses nothing', () => {
    const annotations = { ...made.metadata.annotations, 'sluice.dev/service-fields': '{' }
    const broken = { ...made, metadata: { ...made.metadata, annotations } }
    expect(apexOf(canaryWith(), broken).metadata).toEqual({
      ...made.metadata,
      annotations: { ...marks, note: 'b' },
    })
  })
})

test('the three Services follow the Canary, and are written once for each change', async () => {
  const { cluster, stop } = await startedCluster()
  const writes = () => cluster.api.writes.filter(({ kind, by }) => kind === 'Service' && by === 'controller').length
  const before = writes()
  const edit = (service: object) =>
    cluster.user.patch(canaryKind, { namespace: 'default', name: 'web' }, { spec: { service } }, { type: 'merge' })
  const team = { labels: { team: 'a' } }
  await edit({ apex: team, primary: team, canary: team, appProtocol: 'http' })
  await cluster.pass(60_000)
  const services = () => ['web', 'web-primary', 'web-canary'].map((name) => cluster.api.get(serviceKind, name))
  expect(services().map(({ metadata, spec }) => [metadata.labels?.team, spec.ports?.[0]?.appProtocol])).toEqual([
    ['a', 'http'],
    ['a', 'http'],
    ['a', 'http'],
  ])
  expect(writes() - before).toBe(3)
  await edit({ apex: null, primary: null, canary: null, appProtocol: null })
  await cluster.pass(60_000)
  expect(services().map(({ metadata, spec }) => [metadata.labels?.team, spec.ports?.[0]?.appProtocol])).toEqual([
    [undefined, undefined],
    [undefined, undefined],
    [undefined, undefined],
  ])
  expect(writes() - before).toBe(6)
  await stop()
})
