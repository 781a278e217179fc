import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import type { Container } from '../../../api/index.ts'
import type { ContainerLog } from '../container/container-log.ts'

/** The kubelet's limits. */
const MAX_BYTES = 4_096
const MAX_LOG_BYTES = 2_048
const MAX_LOG_LINES = 80

export interface EndedContainer {
  readonly container: Container
  readonly file: string
  readonly log: ContainerLog | undefined
  readonly hasFailed: boolean
}

/** What a program left in its file or, where its container wants that, at the end of its log. */
export function readTerminationMessage({ container, file, log, hasFailed }: EndedContainer): string | undefined {
  const message = existsSync(file) ? readStart(file) : ''
  if (message !== '') return message
  if (!hasFailed || container.terminationMessagePolicy !== 'FallbackToLogsOnError') return undefined
  const lines = (log?.tail(MAX_LOG_BYTES) ?? '').split('\n')
  return lines.slice(-MAX_LOG_LINES).join('\n') || undefined
}

function readStart(file: string): string {
  const opened = openSync(file, 'r')
  try {
    const buffer = Buffer.alloc(MAX_BYTES)
    return buffer.subarray(0, readSync(opened, buffer, 0, MAX_BYTES, 0)).toString()
  } finally {
    closeSync(opened)
  }
}
