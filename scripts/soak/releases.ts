import { type Canary, canaryKind, canaryRunKind, configMapKind, deploymentKind } from '../../src/api/index.ts'
import { createReflector, type KubeClient, type Reflector } from '../../src/kube/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import { type App, namespace } from './apps.ts'

/** One release that has ended, promoted or not. */
export interface Release {
  readonly app: string
  readonly change: string
  /** The new image's tag; undefined where only configuration changed. */
  readonly version?: string
  readonly phase: string
  readonly message: string
  readonly seconds: number
}

/** What a Canary was at, from a moment on (milliseconds since 1970). */
export interface Moment {
  readonly at: number
  readonly app: string
  readonly state: string
}

/** Longer than any release takes, on a machine that is busy with others. */
const LONGEST_MS = 600_000

/** Watches all Canaries; releases one version after the other. */
export interface Releases {
  readonly moments: readonly Moment[]
  start(signal: AbortSignal): Promise<void>
  untilInitialized(app: App): Promise<void>
  /** The release of this number, to its end: each fourth changes configuration, the others the image. */
  play(app: App, number: number): Promise<Release>
}

export function createReleases(client: KubeClient): Releases {
  const moments: Moment[] = []
  const canaries = createReflector({ client, kind: canaryKind, namespace, clock: systemClock, log: silentLogger })
  canaries.onChange((canary) => {
    if (canary !== undefined) moments.push({ at: Date.now(), app: canary.metadata.name, state: describe(canary) })
  })
  return {
    moments,
    start: canaries.start,
    async untilInitialized({ name }) {
      await until(canaries, name, ({ status }) => status?.phase === 'Initialized')
    },
    async play({ name }, number) {
      const startedAt = Date.now()
      const runBefore = canaries.get({ namespace, name })?.status?.runName
      const change = await changeOf(client, name, number)
      const ended = await until(
        canaries,
        name,
        ({ status }) => status?.runName !== runBefore && ['Succeeded', 'Failed'].includes(status?.phase ?? ''),
      )
      const phase = String(ended.status?.phase)
      const message = phase === 'Succeeded' ? '' : await explain(client, ended)
      return { app: name, ...change, phase, message, seconds: (Date.now() - startedAt) / 1_000 }
    },
  }
}

const describe = ({ status }: Canary): string =>
  `${status?.phase} ${status?.canaryWeight ?? 0}%${status?.mirrorWeight ? ` mirrored ${status.mirrorWeight}%` : ''}`

async function changeOf(
  client: KubeClient,
  name: string,
  number: number,
): Promise<Pick<Release, 'change' | 'version'>> {
  const ref = { namespace, name }
  if (number % 4 === 0) {
    await client.patch(configMapKind, ref, { data: { greeting: `hello ${number}` } }, { type: 'merge' })
    return { change: `configuration ${number}` }
  }
  const version = `1.${number}.0`
  const spec = { template: { spec: { containers: [{ name, image: `demo/web:${version}` }] } } }
  await client.patch(deploymentKind, ref, { spec }, { type: 'strategic' })
  return { change: version, version }
}

function until(canaries: Reflector<Canary>, name: string, isThere: (canary: Canary) => boolean): Promise<Canary> {
  const { promise, resolve, reject } = Promise.withResolvers<Canary>()
  const look = () => {
    const canary = canaries.get({ namespace, name })
    if (canary !== undefined && isThere(canary)) resolve(canary)
  }
  const late = setTimeout(() => {
    const { status } = canaries.get({ namespace, name }) ?? {}
    reject(new Error(`${name} is stuck: ${JSON.stringify(status)}`))
  }, LONGEST_MS)
  const unsubscribe = canaries.onChange(look)
  look()
  return promise.finally(() => {
    clearTimeout(late)
    unsubscribe()
  })
}

/** Why it was taken back, with the checks that failed. */
async function explain(client: KubeClient, { status }: Canary): Promise<string> {
  const run = await client.get(canaryRunKind, { namespace, name: status?.runName ?? '' })
  const verdicts = (run?.status?.steps ?? [])
    .flatMap(({ verdicts }) => verdicts)
    .filter(({ state }) => state !== 'passed')
  return [status?.message, ...verdicts.map(({ metric, message }) => `${metric}: ${message}`)].join('; ')
}
