import { readFile } from 'node:fs/promises'

export interface Usage {
  /** Resident memory now, in MB of 1,000,000 bytes. */
  readonly residentMb: number
  readonly peakMb: number
  /** User and system time since its start. */
  readonly cpuSeconds: number
}

/** Linux counts processor time in hundredths of a second for every program. */
const TICKS_PER_SECOND = 100

export async function readUsage(pid: number): Promise<Usage> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const megabytes = (field: string) =>
    (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1_024) / 1e6
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name of the program, in parentheses, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user = 0, system = 0] = fields.slice(11, 13).map(Number)
  return { residentMb: megabytes('VmRSS'), peakMb: megabytes('VmHWM'), cpuSeconds: (user + system) / TICKS_PER_SECOND }
}

/** User and system time of all of them together. */
export async function cpuSecondsOf(processes: readonly { readonly pid: number }[]): Promise<number> {
  const usages = await Promise.all(processes.map(({ pid }) => readUsage(pid)))
  return usages.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
}
