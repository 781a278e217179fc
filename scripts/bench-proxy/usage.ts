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

/** What Linux shows to programs, whatever it counts in. */
const TICKS_PER_SECOND = 100
