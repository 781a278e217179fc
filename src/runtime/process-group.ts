import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** A process group. The start time tells its leader from a later process with the same number. */
export interface ProcessGroup {
  readonly id: number
  /** Clock ticks since boot; empty where there is no /proc. */
  readonly startTime: string
}

export const groupLedBy = (pid: number): ProcessGroup => ({ id: pid, startTime: readStat(pid)?.startTime ?? '' })

/** Signals every process of the group; one that is gone already is no error. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch {
    // ESRCH: the whole group is gone.
  }
}

/** Waits for the end of a group that was killed: its ports and files are free only then. */
export async function untilGroupGone(group: number, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!isGroupGone(group) && performance.now() < deadline) await delay(5)
}

function isGroupGone(group: number): boolean {
  try {
    process.kill(-group, 0)
  } catch {
    return true
  }
  // Only zombies may be left, which a first process that does not reap (a container's) keeps for ever.
  return !readdirSync('/proc').some((name) => {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined
    return stat?.group === group && stat.state !== 'Z'
  })
}

interface Stat {
  readonly state: string
  readonly group: number
  readonly startTime: string
}

function readStat(pid: number): Stat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything; the fields from the third on follow it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '', group: Number(fields[2]), startTime: fields[19] ?? '' }
  } catch {
    return undefined
  }
}
