import type { InjectablePod } from './pod-schema.ts'

type Containers = InjectablePod['spec']['containers']

/** The names of the containers that were given a hook, by which it can be taken away again. */
export const drainAnnotation = 'mesh.sluice.dev/termination-drain'

const DEFAULT_GRACE_SECONDS = 30
/** Istio's. */
const DEFAULT_DRAIN_SECONDS = 5

export const graceSecondsOf = ({ spec }: InjectablePod): number =>
  spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS

/** A pod that must end sooner waits less. */
export const drainSecondsOf = (pod: InjectablePod, wanted: number | undefined): number =>
  wanted ?? Math.max(0, Math.min(DEFAULT_DRAIN_SECONDS, graceSecondsOf(pod) - 1))

interface Waiting {
  readonly containers: Containers
  readonly annotations: Readonly<Record<string, string>>
}

/**
 * Programs are told to end only after a while: proxies that have not heard yet that the pod leaves still send to it. A
 * program with a hook of its own knows better.
 */
export function waitBeforeStop(containers: Containers, seconds: number): Waiting {
  const waits = ({ lifecycle }: Containers[number]) => seconds > 0 && lifecycle?.preStop === undefined
  const names = containers.filter(waits).map(({ name }) => name)
  return {
    containers: containers.map((container) =>
      waits(container)
        ? { ...container, lifecycle: { ...container.lifecycle, preStop: { sleep: { seconds } } } }
        : container,
    ),
    annotations: names.length === 0 ? {} : { [drainAnnotation]: names.join(',') },
  }
}

/** Takes back what `waitBeforeStop` gave. */
export function withoutWait(containers: Containers, annotation = ''): Containers {
  const names = new Set(annotation.split(','))
  return containers.map((container) => {
    if (!names.has(container.name) || container.lifecycle === undefined) return container
    const { lifecycle, ...rest } = container
    const { preStop: _, ...others } = lifecycle
    return Object.keys(others).length === 0 ? rest : { ...rest, lifecycle: others }
  })
}
