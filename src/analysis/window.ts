import { failure, parseDuration, type Result, success } from '../base/index.ts'
import type { MeasureRequest } from './port.ts'

export type Window = MeasureRequest['window']

/** The bundled mesh has Envoy publish its histograms each second (`stats_flush_interval`). */
export const MESH_FLUSH_MS = 1_000
/** Envoy's own default, for those that others configure. */
export const ENVOY_FLUSH_MS = 5_000
/** A scrape takes a while, and clocks differ. */
const MARGIN_MS = 250

/** How long after an instant a scrape may still bring what happened before it, for the first time. */
export interface Delay {
  readonly scrapeMs: number
  /** How long a server keeps what it counted to itself. */
  readonly flushMs: number
}

/**
 * The part of the window in which everything that is counted happened after its start: what the scrapes show once
 * they had the time to show it is the base, not evidence. The end stays: nothing is waited for.
 * `interval` is the metric's own longest window.
 */
export function measuredWindow(window: Window, delay: Delay, interval?: string): Result<Window> {
  const settledMs = settledSince(window.startMs, delay)
  const longest = interval === undefined ? success(Number.POSITIVE_INFINITY) : parseDuration(interval)
  if (!longest.ok) return longest
  const startMs = Math.max(settledMs, window.endMs - longest.value)
  if (startMs >= window.endMs) {
    const length = window.endMs - window.startMs
    return failure(
      `it ends ${length}ms after the weight was acknowledged, and scrapes need ${settledMs - window.startMs}ms to settle`,
    )
  }
  return success({ startMs, endMs: window.endMs })
}

/** When everything that happened before an instant has been scraped. */
export const settledSince = (milliseconds: number, { scrapeMs, flushMs }: Delay): number =>
  milliseconds + scrapeMs + MARGIN_MS + flushMs
