import { expect } from 'vitest'
import {
  appAddressAnnotation,
  type Canary,
  type CanaryRun,
  canaryKind,
  canaryRunKind,
  type Deployment,
  deploymentKind,
  type KubernetesObject,
  type LocalImage,
  localImageKind,
  podKind,
} from '../../src/api/index.ts'
import { type AnswerCounts, countsSince } from '../../src/cli/demo/load.ts'
import { images, client as loadClient, web } from '../../src/cli/demo/manifests.ts'
import { readJson } from '../../src/cli/demo/world.ts'
import { eventually } from './eventually.ts'
import { rawCanary } from './raw-canary.ts'
import type { SluiceLocal } from './sluice-local.ts'

export interface AppOptions {
  /** It gets a namespace of its own, so that apps of one file can be released side by side. */
  readonly namespace: string
  readonly analysis?: Readonly<Record<string, unknown>>
  readonly spec?: Readonly<Record<string, unknown>>
  /** Where its images come from; `demo/web` when absent. */
  readonly repository?: string
  /** 1 when absent. */
  readonly replicas?: number
  /** Light load of a meshed client; 20 when absent. */
  readonly requestsPerSecond?: number
}

/** The demo's service with a Canary and a meshed client. Its tag decides what is wrong with it: see cli/demo/web.ts. */
export interface ReleasedApp {
  readonly namespace: string
  setImage(version: string): Promise<void>
  canary(): Promise<Canary>
  /** Waits until the Canary is as the callback wants it. */
  until(what: string, look: (canary: Canary) => unknown, within?: number): Promise<Canary>
  /** Waits until the newest run of a version has ended. */
  ended(version: string): Promise<{ readonly canary: Canary; readonly run: CanaryRun }>
  /** The run of a version; fails where there is none yet. */
  run(version: string): Promise<CanaryRun>
  counts(): Promise<Counted>
}

export interface Counted {
  readonly counts: AnswerCounts
  readonly failures: readonly string[]
}

/** One mirrored step, one of half of the traffic: the shortest release that has everything. */
export const shortAnalysis = {
  interval: '4s',
  threshold: 1,
  stepWeight: undefined,
  stepWeights: [50],
  metrics: [{ name: 'request-success-rate', thresholdRange: { min: 99 } }],
}

export const inNamespace = (namespace: string, object: KubernetesObject): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, namespace },
})

/** The first version, and the program that images of a repository run. */
function firstVersion({ namespace, replicas = 1, repository = 'demo/web' }: AppOptions): readonly object[] {
  const [image] = images
  const { spec, ...rest } = inNamespace(namespace, web('1.0.0')) as Deployment
  const deployment = { ...rest, spec: { ...spec, replicas } }
  if (repository === 'demo/web') return [deployment]
  const text = JSON.stringify([{ ...image, metadata: { name: namespace } }, deployment])
  const spelled = text.replace('"repository":"demo/web"', `"repository":"${repository}"`)
  return JSON.parse(spelled.replace('"image":"demo/web:', `"image":"${repository}:`)) as readonly object[]
}

export const appCanary = ({ namespace, analysis, spec }: AppOptions): object => ({
  ...rawCanary({
    spec: { service: { port: 80, targetPort: 8080 }, progressDeadlineSeconds: 60, ...spec },
    analysis: { ...shortAnalysis, ...analysis },
  }),
  metadata: { name: 'web', namespace },
})

const object = (kind: string, namespace: string): KubernetesObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: namespace },
})

/** Applies the first version with its Canary and waits until it is initialised and called by its client. */
export async function startApp(
  platform: SluiceLocal,
  options: AppOptions,
  ...more: readonly object[]
): Promise<ReleasedApp> {
  const { namespace } = options
  // Apps of one file share them: only an upsert can not meet itself.
  for (const image of images) await platform.client.apply(localImageKind, image as LocalImage, { force: true })
  const objects = [object('Namespace', namespace), ...more, ...firstVersion(options)]
  expect(await platform.apply([...objects, appCanary(options)])).toMatchObject({ code: 0, err: '' })
  const app = createApp(platform, namespace)
  await app.until('the first version', ({ status }) => expect(status?.phase).toBe('Initialized'), 60_000)
  // Its variables name the Services that there are when it starts.
  const user = inNamespace(namespace, loadClient(options.requestsPerSecond ?? 20))
  expect(await platform.apply([user])).toMatchObject({ code: 0, err: '' })
  await eventually(async () => expect((await app.counts()).counts['1.0.0']?.requests).toBeGreaterThan(0), {
    within: 30_000,
    what: `the client of ${namespace} has answers`,
  })
  return app
}

function createApp(platform: SluiceLocal, namespace: string): ReleasedApp {
  const { client } = platform
  const ref = { namespace, name: 'web' }
  const run = async (version: string): Promise<CanaryRun> => {
    const { items } = await client.list(canaryRunKind, { namespace })
    const found = items.findLast(({ spec }) => spec.images.some((image) => image.endsWith(`:${version}`)))
    return found ?? expect.unreachable(`there is no run of ${version}`)
  }
  const canary = async () => (await client.get(canaryKind, ref)) ?? expect.unreachable(`no canary in ${namespace}`)
  return {
    namespace,
    canary,
    run,
    async setImage(version) {
      const containers = [{ name: 'web', image: `demo/web:${version}` }]
      await client.patch(deploymentKind, ref, { spec: { template: { spec: { containers } } } }, { type: 'strategic' })
    },
    async until(what, look, within = 60_000) {
      let seen: Canary | undefined
      const isThere = async () => {
        seen = await canary()
        return look(seen) === false ? false : seen
      }
      return (await eventually(isThere, { within, every: 50, what: `${namespace}: ${what}` }).catch((error: Error) => {
        throw new Error(`${error.message}; status ${JSON.stringify(seen?.status)}`, { cause: error })
      })) as Canary
    },
    ended: async (version) =>
      eventually(
        async () => {
          const found = await run(version)
          const current = await canary()
          expect([current.status?.runName, current.status?.phase]).toEqual([found.metadata.name, found.status?.phase])
          return { canary: current, run: found }
        },
        { within: 90_000, every: 50, what: `${namespace}: the end of ${version}` },
      ),
    counts: () => readCounts(platform, namespace),
  }
}

async function readCounts({ client }: SluiceLocal, namespace: string): Promise<Counted> {
  const { items } = await client.list(podKind, { namespace, labelSelector: 'app=client' })
  const address = items[0]?.metadata.annotations?.[appAddressAnnotation]
  const answer = address === undefined ? undefined : await readJson(`http://${address}:8080/`)
  if (answer === undefined) throw new Error(`the client of ${namespace} does not answer yet`)
  return answer as Counted
}

/** What users have had since: answers by version, and the latest failures in words. */
export async function answersSince(app: Pick<ReleasedApp, 'counts'>, before: Counted): Promise<Counted> {
  const now = await app.counts()
  const counts = countsSince(before.counts, now.counts)
  const errors = Object.values(counts).reduce((sum, count) => sum + count.errors, 0)
  return { counts, failures: errors === 0 ? [] : now.failures.slice(-errors) }
}
