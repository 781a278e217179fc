import { mediaType } from '../http/body.ts'
import type { ApiRequest } from '../http/request.ts'
import { badRequest, invalid, required, unsupportedValue } from '../status-error.ts'
import type { FieldValidation } from './decode.ts'

export interface WriteOptions {
  readonly dryRun: boolean
  readonly fieldManager: string
  readonly fieldValidation: FieldValidation
  readonly force: boolean
}

const optionKinds: Readonly<Record<string, string>> = { POST: 'CreateOptions', PUT: 'UpdateOptions' }

export function writeOptions(request: ApiRequest): WriteOptions {
  const dryRun = request.query.getAll('dryRun')
  if (dryRun.some((value) => value !== 'All')) {
    const subject = { group: 'meta.k8s.io', kind: optionKinds[request.method] ?? 'PatchOptions' }
    throw invalid(subject, [unsupportedValue('dryRun', dryRun, ['All'])])
  }
  const given = request.query.get('fieldManager') ?? ''
  const isApply = mediaType(request.contentType).startsWith('application/apply-patch')
  if (isApply && given === '') {
    const subject = { group: 'meta.k8s.io', kind: 'PatchOptions' }
    throw invalid(subject, [required('fieldManager', 'is required for apply patch')])
  }
  if (given.length > 128) throw badRequest('fieldManager must have at most 128 characters')
  return {
    dryRun: dryRun.length > 0,
    fieldManager: given === '' ? managerOf(request.userAgent) : given,
    fieldValidation: fieldValidationOf(request.query.get('fieldValidation') ?? ''),
    force: request.query.get('force') === 'true',
  }
}

/** A client that names no manager is named by the first word of its user agent. */
const managerOf = (userAgent: string): string => (userAgent.split('/')[0] ?? '').slice(0, 128) || 'unknown'

function fieldValidationOf(text: string): FieldValidation {
  if (text === '' || text === 'Warn') return 'Warn'
  if (text === 'Strict' || text === 'Ignore') return text
  throw badRequest(`fieldValidation: Unsupported value: "${text}": supported values: "", "Ignore", "Strict", "Warn"`)
}
