import type { Canary } from '../../api/index.ts'
import type { Output } from '../output.ts'

/** The live view: one line a change, and on a terminal a last line that shows the moment. */
export interface View {
  say(line: string): void
  show(version: string, canary: Canary): void
  /** True on a terminal, where the last line shows the moment. */
  readonly isLive: boolean
  /** The moment; shown only where `isLive`. */
  pulse(text: string): void
}

const eraseLine = '\r\x1b[2K'

const bar = (weight: number): string =>
  `${'#'.repeat(Math.round(weight / 5))}${'.'.repeat(20 - Math.round(weight / 5))}`

export function createView(output: Output, elapsedSeconds: () => number): View {
  let shown = ''
  const say = (line: string) => {
    if (output.interactive) process.stderr.write(eraseLine)
    output.err(`${elapsedSeconds().toFixed(1).padStart(6)}s  ${line}`)
  }
  return {
    say,
    isLive: output.interactive,
    show(version, canary) {
      const status = canary.status
      if (status?.phase === undefined) return
      const traffic =
        (status.mirrorWeight ?? 0) > 0 ? `mirror ${status.mirrorWeight}%` : `weight ${status.canaryWeight ?? 0}%`
      const line = `${version}  ${status.phase.padEnd(16)} ${traffic.padEnd(12)} ${status.message ?? ''}`
      if (line === shown) return
      shown = line
      say(`${output.interactive ? `[${bar(status.canaryWeight ?? 0)}] ` : ''}${line}`)
    },
    pulse(text) {
      if (output.interactive) process.stderr.write(`${eraseLine}${elapsedSeconds().toFixed(1).padStart(6)}s  ${text}`)
    },
  }
}
