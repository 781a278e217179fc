import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import { type Canary, canaryKind, parseCanary } from '../api/index.ts'
import { isRecord } from '../base/index.ts'
import { messageOf } from '../runtime/index.ts'
import { CommandError, exitCodes } from './exit-codes.ts'

/** The one Canary of a YAML file, with its defaults; `prefix` is what a message calls the file by. */
export async function readCanaryFile(path: string, prefix = ''): Promise<Canary> {
  const refuse = (why: string) => new CommandError(`${prefix}${path}: ${why}`, exitCodes.usage)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw refuse(messageOf(error))
  })
  const documents = parseAllDocuments(text)
  const broken = documents.flatMap(({ errors }) => errors)[0]
  if (broken !== undefined) throw refuse(broken.message)
  const canaries = documents.map((document): unknown => document.toJS()).filter(isCanary)
  if (canaries.length !== 1) throw refuse(`it has ${canaries.length} canaries where one is needed`)
  const parsed = parseCanary(canaries[0])
  if (!parsed.ok) throw refuse(parsed.error)
  return parsed.value
}

const isCanary = (document: unknown): boolean => isRecord(document) && document.kind === canaryKind.kind
