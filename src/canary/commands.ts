import { abortAnnotation, promoteAnnotation } from '../api/index.ts'
import type { Observation } from './observation.ts'
import type { ActiveRelease, Command } from './state.ts'

export const commandAnnotations: Readonly<Record<Command, string>> = {
  promote: promoteAnnotation,
  abort: abortAnnotation,
}

/** What an operator asks for this very revision; aborting wins. A command for another revision is none. */
export function commandFor(state: ActiveRelease, observation: Observation): Command | undefined {
  const annotations = observation.canary.metadata.annotations ?? {}
  const isGiven = (command: Command) => annotations[commandAnnotations[command]] === state.run.revision
  if (isGiven('abort')) return 'abort'
  return isGiven('promote') ? 'promote' : undefined
}
