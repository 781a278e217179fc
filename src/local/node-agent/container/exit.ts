import { constants } from 'node:os'
import type { ContainerState } from '../../../api/index.ts'
import type { ChildExit } from '../../../runtime/index.ts'

type Terminated = NonNullable<ContainerState['terminated']>

/** The state of a container whose process ended; a signal counts as 128 more, as in every shell. */
export function exitedState(
  exit: ChildExit,
  rest: Omit<Terminated, 'exitCode' | 'signal'>,
): { readonly terminated: Terminated } {
  const signal = exit.signal === null ? undefined : constants.signals[exit.signal]
  const exitCode = exit.code ?? 128 + (signal ?? 0)
  return {
    terminated: {
      exitCode,
      ...(signal === undefined ? {} : { signal }),
      reason: exitCode === 0 ? 'Completed' : 'Error',
      ...rest,
    },
  }
}

/** Whether the restart policy starts it again. */
export const shouldRestart = (policy: 'Always' | 'OnFailure' | 'Never', ok: boolean): boolean =>
  policy === 'Always' || (policy === 'OnFailure' && !ok)
