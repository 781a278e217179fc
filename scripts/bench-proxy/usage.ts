import { readFile } from 'node:fs/promises'

/** Megabytes of a process. */
export interface Memory {
  readonly resident: number
  /** The part of it that is no file. */
  readonly anonymous: number
  /** As resident, pages that several processes have in equal parts. */
  readonly proportional: number
}

export async function readMemory(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const shares = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
  const megabytes = (text: string, field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1_024
  return {
    resident: megabytes(status, 'VmRSS'),
    anonymous: megabytes(status, 'RssAnon'),
    proportional: megabytes(shares, 'Pss'),
  }
}

/** Seconds that all threads of a process have had of processors. */
export async function readProcessorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name before may have spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Since the start of the machine, in the time of its processors: all of it, and what the hypervisor gave to others. */
export interface MachineTime {
  readonly all: number
  readonly stolen: number
}

export async function readMachineTime(): Promise<MachineTime> {
  const [first = ''] = (await readFile('/proc/stat', 'utf8')).split('\n')
  // user, nice, system, idle, iowait, irq, softirq, steal; what follows is in the first two as well.
  const ticks = first.trim().split(/\s+/).slice(1, 9).map(Number)
  return { all: ticks.reduce((sum, each) => sum + each, 0), stolen: ticks.at(-1) ?? 0 }
}

/** What Linux shows to programs, whatever it counts in. */
const TICKS_PER_SECOND = 100
