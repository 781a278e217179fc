import { KubeError } from '../../src/kube/index.ts'

/** What a process that is gone gets from every call. */
export const processIsGone = (): KubeError =>
  new KubeError('the process is gone', { code: 0, reason: 'Unreachable', retry: 'never' })

/** A process that is gone from one of its writes on; `counts` says from when on they are counted. */
export function createDeath(dieAt: number, counts: () => boolean = () => true) {
  let writes = 0
  const isDead = (): boolean => writes >= dieAt
  return {
    isDead,
    writes: () => writes,
    /** Ahead of every write. */
    before() {
      if (counts()) writes += 1
      if (isDead()) throw processIsGone()
    },
  }
}
