import type { ContainerStatus, Pod } from '../../../api/index.ts'
import type { ContainerRecord } from '../container/container.ts'

/**
 * What a container brings from an earlier run of the node agent: its processes are gone, so one that ran then has been
 * restarted once more, and what it was doing is lost.
 */
export function initialRecord(
  pod: Pod,
  container: string,
  now: string,
): Pick<ContainerRecord, 'restartCount' | 'lastState'> {
  const status = pod.status?.containerStatuses?.find(({ name }) => name === container)
  if (status === undefined) return { restartCount: 0 }
  if (status.state?.running !== undefined)
    return { restartCount: status.restartCount + 1, lastState: lost(status, now) }
  const lastState = status.state?.terminated === undefined ? status.lastState : status.state
  const ended = status.state?.terminated === undefined ? 0 : 1
  return {
    restartCount: status.restartCount + ended,
    ...(lastState === undefined ? {} : { lastState }),
  }
}

const lost = (status: ContainerStatus, now: string) => ({
  terminated: {
    // The kubelet's words for a container that it finds gone.
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'The node agent ended while the container ran; its process ended with it',
    finishedAt: now,
    ...(status.state?.running?.startedAt === undefined ? {} : { startedAt: status.state.running.startedAt }),
  },
})
