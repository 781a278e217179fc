import {
  closeSync,
  existsSync,
  fsync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Logger, messageOf } from '../../../runtime/index.ts'
import type { JsonObject } from '../json.ts'
import { type Entry, parseJournal, parseSnapshot, renderEntry, renderSnapshot } from './disk-format.ts'
import type { Store, StoreState } from './store.ts'

const COMPACT_AFTER_BYTES = 16 * 1024 * 1024

/**
 * Generation n is `n.snapshot` and the journal of the changes after it, `n.journal`. The generation before the newest
 * is kept, so that a snapshot that turns out torn loses nothing: the older one and both journals give the same state.
 */
export interface Persistence {
  readonly initial: StoreState
  /** Journals every change of the store from now on. */
  attach(store: Store): void
  /** Folds the journal into a new snapshot. */
  compact(): void
  close(): void
}

export function openPersistence(directory: string, log: Logger): Persistence {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const loaded = load(directory, log)
  let generation = loaded.generation
  let journal = openSync(journalPath(directory, generation), 'a', 0o600)
  let written = 0
  let syncing = false
  let broken = false
  let store: Store | undefined

  const append = (entry: Entry): void => {
    const line = renderEntry(entry)
    try {
      // After a failed write the journal has a gap: only a whole new generation can be trusted.
      if (broken) compact()
      else writeSync(journal, line)
      if (broken) log.info({ directory }, 'changes reach the disk again')
      broken = false
    } catch (error) {
      if (!broken) log.error({ directory, error: messageOf(error) }, 'changes do not reach the disk: free some space')
      broken = true
    }
    written += line.length
    if (written > COMPACT_AFTER_BYTES && !broken) compact()
    else syncSoon()
  }
  // A killed process loses nothing that was written; only a power cut may lose what this has not reached yet.
  const syncSoon = (): void => {
    if (syncing) return
    syncing = true
    fsync(journal, () => {
      syncing = false
    })
  }
  const compact = (): void => {
    if (store === undefined) return
    writeSnapshot(directory, generation + 1, store)
    const old = journal
    generation += 1
    journal = openSync(journalPath(directory, generation), 'a', 0o600)
    closeSync(old)
    written = 0
    forgetBefore(directory, generation - 1)
  }
  return {
    initial: loaded.state,
    attach(attached) {
      store = attached
      if (loaded.needsSnapshot) compact()
      attached.subscribe((change) =>
        append({
          resource: change.resource,
          key: change.key,
          revision: change.revision,
          object: change.type === 'DELETED' ? undefined : change.object,
        }),
      )
    },
    compact,
    close() {
      fsyncSync(journal)
      closeSync(journal)
    },
  }
}

const journalPath = (directory: string, generation: number): string => join(directory, `${generation}.journal`)
const snapshotPath = (directory: string, generation: number): string => join(directory, `${generation}.snapshot`)

function writeSnapshot(directory: string, generation: number, store: Store): void {
  const revision = store.revision()
  const entries = [...store.all()].map((one) => ({ ...one, revision }))
  const temporary = join(directory, `${generation}.snapshot.tmp`)
  writeFileSync(temporary, renderSnapshot(revision, entries), { mode: 0o600, flush: true })
  renameSync(temporary, snapshotPath(directory, generation))
  const folder = openSync(directory, 'r')
  fsyncSync(folder)
  closeSync(folder)
}

function generations(directory: string): readonly number[] {
  const numbers = readdirSync(directory).map((name) => /^(\d+)\.(snapshot|journal)$/.exec(name)?.[1])
  return [...new Set(numbers.filter((text) => text !== undefined).map(Number))].sort((a, b) => a - b)
}

function forgetBefore(directory: string, generation: number): void {
  for (const old of generations(directory)) {
    if (old >= generation) continue
    rmSync(snapshotPath(directory, old), { force: true })
    rmSync(journalPath(directory, old), { force: true })
  }
}

interface Loaded {
  readonly state: StoreState
  readonly generation: number
  readonly needsSnapshot: boolean
}

function load(directory: string, log: Logger): Loaded {
  const all = generations(directory)
  const newest = all.at(-1) ?? 0
  const base = newestSnapshot(directory, all, log)
  if (base === undefined && (all[0] ?? 0) > 0) {
    log.error({ directory }, 'no snapshot is whole: only the changes since are left')
  }
  const objects = new Map<string, { resource: string; key: string; object: JsonObject }>()
  let revision = base?.revision ?? 1
  const apply = (entry: Entry): void => {
    const id = `${entry.resource} ${entry.key}`
    revision = Math.max(revision, entry.revision)
    if (entry.object === undefined) objects.delete(id)
    else objects.set(id, { resource: entry.resource, key: entry.key, object: entry.object })
  }
  for (const entry of base?.entries ?? []) apply(entry)
  const journals = all.filter((generation) => generation >= (base?.generation ?? 0))
  for (const generation of journals) for (const entry of readJournal(directory, generation, log)) apply(entry)
  return {
    state: { revision, objects: objects.values() },
    generation: newest,
    needsSnapshot: base !== undefined && base.generation !== newest,
  }
}

function newestSnapshot(directory: string, all: readonly number[], log: Logger) {
  for (const generation of [...all].reverse()) {
    const path = snapshotPath(directory, generation)
    if (!existsSync(path)) continue
    const snapshot = parseSnapshot(readFileSync(path, 'utf8'))
    if (snapshot !== undefined) return { generation, ...snapshot }
    log.warn({ file: path }, 'snapshot is torn; the one before it and the journals since are used')
  }
  return undefined
}

function readJournal(directory: string, generation: number, log: Logger): readonly Entry[] {
  const path = journalPath(directory, generation)
  if (!existsSync(path)) return []
  const { entries, torn } = parseJournal(readFileSync(path, 'utf8'))
  if (torn) {
    log.warn({ file: path, kept: entries.length }, 'journal ends in a torn entry; the changes before it are kept')
    truncateSync(
      path,
      entries.reduce((bytes, entry) => bytes + Buffer.byteLength(renderEntry(entry)), 0),
    )
  }
  return entries
}
