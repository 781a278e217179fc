import { type VirtualService, virtualServiceKind } from '../../../src/api/index.ts'
import { createReflector, type KubeClient } from '../../../src/kube/index.ts'
import { silentLogger, systemClock } from '../../../src/runtime/index.ts'
import { NAMESPACE } from './subject.ts'

export interface Share {
  readonly weight: number
  readonly mirror: number
}

export interface RouteWatch {
  share(app: string): Share | undefined
  /** The time (performance.now) at which each app's route was first seen to be so, from now on. */
  untilEach(apps: readonly string[], holds: (share: Share) => boolean): Promise<readonly number[]>
}

/** Follows the routes as any client may: a time is that of the watch event's arrival. */
export async function watchRoutes(client: KubeClient, signal: AbortSignal): Promise<RouteWatch> {
  const shares = new Map<string, Share>()
  const waiting = new Set<(app: string, share: Share, at: number) => void>()
  const reflector = createReflector<VirtualService>({
    ...{ client, kind: virtualServiceKind, namespace: NAMESPACE },
    ...{ clock: systemClock, log: silentLogger },
  })
  reflector.onChange((current) => {
    if (current === undefined) return
    const at = performance.now()
    const { name } = current.metadata
    const share = readShare(current)
    shares.set(name, share)
    for (const see of waiting) see(name, share, at)
  })
  // It ends with the signal, and survives everything else.
  void reflector.start(signal)
  await reflector.synced
  return {
    share: (app) => shares.get(app),
    untilEach: (apps, holds) =>
      new Promise((resolve) => {
        const times = new Map<string, number>()
        const open = new Set(apps)
        const see = (app: string, share: Share, at: number) => {
          if (!open.has(app) || !holds(share)) return
          open.delete(app)
          times.set(app, at)
          if (open.size > 0) return
          waiting.delete(see)
          resolve(apps.map((each) => times.get(each) ?? Number.NaN))
        }
        waiting.add(see)
      }),
  }
}

function readShare({ spec }: VirtualService): Share {
  const rules = spec.http ?? []
  const split = rules.at(-1)?.route ?? []
  const canary = split.find(({ destination }) => destination.host.endsWith('-canary'))
  const mirrored = rules.find(({ mirror }) => mirror !== undefined)
  return { weight: canary?.weight ?? 0, mirror: mirrored === undefined ? 0 : (mirrored.mirrorPercentage?.value ?? 100) }
}
