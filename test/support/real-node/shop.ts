import { type Canary, type CanaryRun, canaryKind, canaryRunKind, deploymentKind } from '../../../src/api/index.ts'
import { type AnswerCounts, countsSince } from '../../../src/cli/demo/load.ts'
import { createKubeClient } from '../../../src/kube/index.ts'
import { eventually } from '../eventually.ts'
import { rawCanary } from '../raw-canary.ts'
import { type ApiObject, applyAll } from './apply.ts'
import { webImage } from './images.ts'
import { untilAvailable } from './installed.ts'
import type { RealNode } from './node.ts'

export const shop = 'shop'

/** Of the client, by the version that gave them. */
interface Answers {
  readonly counts: AnswerCounts
  readonly failures: readonly string[]
}

interface Program {
  readonly name: string
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly probe?: string
}

/** A Deployment of a program that knows nothing of any mesh. */
const program = ({ name, command, env = {}, annotations, probe = '/' }: Program): ApiObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: shop },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name }, annotations },
      spec: {
        serviceAccountName: name,
        containers: [
          {
            name,
            image: webImage('1.0.0'),
            imagePullPolicy: 'Never',
            command,
            env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
            ports: [{ name: 'http', containerPort: 8080 }],
            readinessProbe: { httpGet: { path: probe, port: 'http' }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
})

const namespace = (name: string, labels: object): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
})

const account = (name: string): ApiObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: shop },
})

/** One mirrored step, one of half of the traffic. */
const canary = {
  ...rawCanary({
    spec: { service: { port: 80, targetPort: 8080 }, progressDeadlineSeconds: 180 },
    analysis: {
      interval: '6s',
      threshold: 1,
      stepWeight: undefined,
      stepWeights: [50],
      metrics: [{ name: 'request-success-rate', thresholdRange: { min: 99 } }],
    },
  }),
  metadata: { name: 'web', namespace: shop },
}

/** The tests look into the client past its proxy; what it sends goes through it. */
const load = program({
  name: 'client',
  command: ['node', '/app/client.ts'],
  env: { WEB_SERVICE_HOST: 'web', WEB_SERVICE_PORT: '80', REQUESTS_PER_SECOND: '20' },
  annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '8080' },
})

/** The demo's service under a Canary, called by its name by a client that has a sidecar, too. */
export async function startShop(node: RealNode) {
  const client = createKubeClient({ kubeconfig: node.kubeconfig, fieldManager: 'test' })
  const server = program({ name: 'web', command: ['node', '/app/web.ts'], probe: '/healthz' })
  await applyAll(node, [namespace(shop, { 'istio-injection': 'enabled' }), ...['web', 'client'].map(account), server])
  await untilAvailable(node, shop, 'web')
  const created = await node.request('POST', `/apis/sluice.dev/v1/namespaces/${shop}/canaries`, { body: canary })
  if (created.status !== 201) throw new Error(created.body.message)
  const ref = { namespace: shop, name: 'web' }
  const until = async (what: string, look: (canary: Canary) => boolean): Promise<Canary> => {
    let seen: Canary | undefined
    const isThere = async () => {
      seen = await client.get(canaryKind, ref)
      return seen !== undefined && look(seen) ? seen : false
    }
    const last = await eventually(isThere, { within: 240_000, every: 200, what }).catch((error: Error) => {
      throw new Error(`${error.message}; status ${JSON.stringify(seen?.status)}`, { cause: error })
    })
    if (last === false) throw new Error(what)
    return last
  }
  await until('the first version', ({ status }) => status?.phase === 'Initialized')
  await applyAll(node, [load])
  await untilAvailable(node, shop, 'client')
  return {
    until,
    async answers(): Promise<Answers> {
      const [pod = ''] = await podNames(node, shop, 'client')
      const { status, body } = await node.request('GET', `/api/v1/namespaces/${shop}/pods/${pod}:8080/proxy/`)
      if (status !== 200) throw new Error(`the client answers ${status}: ${JSON.stringify(body)}`)
      return body
    },
    async release(version: string) {
      const containers = [{ name: 'web', image: webImage(version) }]
      await client.patch(deploymentKind, ref, { spec: { template: { spec: { containers } } } }, { type: 'strategic' })
    },
    async ended(version: string): Promise<CanaryRun> {
      const find = async () => {
        const { items } = await client.list(canaryRunKind, { namespace: shop })
        const run = items.find(({ spec }) => spec.images.includes(webImage(version)))
        const phase = run?.status?.phase ?? 'none'
        if (run === undefined || phase === 'Running' || phase === 'none') throw new Error(JSON.stringify(run?.status))
        return run
      }
      return eventually(find, { within: 240_000, every: 200, what: `the end of ${version}` })
    },
  }
}

export type Shop = Awaited<ReturnType<typeof startShop>>

export async function podNames({ request }: RealNode, namespace: string, app: string): Promise<readonly string[]> {
  const { body } = await request('GET', `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${app}`)
  const items: readonly { readonly metadata: { readonly name: string; readonly deletionTimestamp?: string } }[] =
    body.items
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.name)
}

/** What the client had since then, of the versions that answered, and its failures in words. */
export function since(earlier: Answers, later: Answers): Answers {
  const all = Object.entries(countsSince(earlier.counts, later.counts))
  const errors = all.reduce((sum, [, count]) => sum + count.errors, 0)
  return {
    counts: Object.fromEntries(all.filter(([, { requests }]) => requests > 0)),
    failures: errors === 0 ? [] : later.failures.slice(-errors),
  }
}
