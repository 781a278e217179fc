import { type GateState, gatesAnnotation, type ManualGate, manualGateSchema, parseGates } from '../api/index.ts'
import type { Observation } from './observation.ts'
import type { ReleaseState } from './state.ts'

/** How people set a gate for the revision of this run; undefined where it is left to webhooks. */
export function manualGate(
  { run }: ReleaseState,
  { canary }: Pick<Observation, 'canary'>,
  type: string | undefined,
): GateState | undefined {
  const gate = manualGateSchema.safeParse(type)
  if (!gate.success || run === undefined) return undefined
  const set = parseGates(canary.metadata.annotations?.[gatesAnnotation], run.revision)
  const isClosedBefore = canary.spec.analysis.manualGates?.includes(gate.data)
  return set[nameOf(gate.data, run.progress.stepIndex + 1)] ?? set[gate.data] ?? (isClosedBefore ? 'closed' : undefined)
}

/** Each rise of the weight is a gate of its own. */
const nameOf = (gate: ManualGate, step: number): string =>
  gate === 'confirm-traffic-increase' ? `${gate}:${step}` : gate
