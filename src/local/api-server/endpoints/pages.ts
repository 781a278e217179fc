import { randomUUID } from 'node:crypto'
import type { JsonObject } from '../json.ts'
import { expired } from '../status-error.ts'

export interface Page {
  readonly revision: number
  readonly items: readonly JsonObject[]
}

/** The rest of lists that were cut by `limit`: every page shows the state of the first one. */
export interface Pages {
  keep(page: Page): string
  resume(token: string): Page
}

const MAX_KEPT = 64

export function createPages(): Pages {
  const kept = new Map<string, Page>()
  return {
    keep(page) {
      const token = randomUUID()
      kept.set(token, page)
      const oldest = kept.keys().next().value
      if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest)
      return token
    },
    resume(token) {
      const page = kept.get(token)
      if (page !== undefined) return page
      throw expired(
        'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.',
      )
    },
  }
}
