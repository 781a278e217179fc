import { z } from 'zod'

/** Gates that people open and close by hand, for one revision at a time. */
export const manualGateSchema = z.enum(['confirm-rollout', 'confirm-traffic-increase', 'confirm-promotion'])
export type ManualGate = z.infer<typeof manualGateSchema>

/** Value: the revision, then words such as `confirm-promotion=open` or `confirm-traffic-increase:2=closed`. */
export const gatesAnnotation = 'sluice.dev/gates'

export type GateState = 'open' | 'closed'

/** State of gates by name; `:N` behind a name means the step of that number, from 0. */
export type GateStates = Readonly<Record<string, GateState>>

/** What was said for this very revision: of what was said for another nothing is left. */
export function parseGates(annotation: string | undefined, revision: string): GateStates {
  const [meant, ...words] = (annotation ?? '').split(/\s+/)
  if (meant !== revision) return {}
  return Object.fromEntries(
    words.flatMap((word): [string, GateState][] => {
      const [name = '', state] = word.split('=')
      return state === 'open' || state === 'closed' ? [[name, state]] : []
    }),
  )
}

export const renderGates = (revision: string, gates: GateStates): string =>
  [revision, ...Object.entries(gates).map(([name, state]) => `${name}=${state}`)].join(' ')
