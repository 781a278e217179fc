import { CronTime } from 'cron'
import { failure, type Result, success } from '../base/index.ts'

export interface Schedule {
  /** The first time after `time`, in milliseconds since 1970. */
  nextAfter(time: number): number
}

/** Reads a cron line of five fields, or six with the seconds first. Its times are UTC, wherever the process runs. */
export function parseSchedule(text: string): Result<Schedule> {
  const invalid = `spec.schedule: "${text}" is not a cron line such as "*/5 * * * *"`
  try {
    const cron = new CronTime(text, 'UTC')
    const schedule = { nextAfter: (time: number) => cron.getNextDateFrom(new Date(time), 'UTC').toMillis() }
    // Some lines are well-formed and never come, such as the 30th of February.
    schedule.nextAfter(0)
    return success(schedule)
  } catch {
    return failure(invalid)
  }
}
