import { readFile } from 'node:fs/promises'
import { auditLogOf, type KubeApiserver } from './kube-apiserver.ts'

/** Every request of every service account, without bodies; those of administrators are not written. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts'] }, { level: 'None' }],
}

/** One request as the API server saw it. */
export interface AuditedRequest {
  readonly user: string
  /** Names the token, so that two processes of one service account can be told apart. */
  readonly credential: string
  /** get, list, watch, create, update, patch, delete. */
  readonly verb: string
  readonly group: string
  /** With its subresource: `canaries/status`. */
  readonly resource: string
  readonly namespace: string
  readonly name: string
  readonly code: number
  /** Milliseconds since 1970 at which it arrived. */
  readonly at: number
}

interface Entry {
  readonly stage: string
  readonly verb: string
  readonly user: { readonly username: string; readonly extra?: Readonly<Record<string, readonly string[]>> }
  readonly objectRef?: {
    readonly apiGroup?: string
    readonly resource?: string
    readonly subresource?: string
    readonly namespace?: string
    readonly name?: string
  }
  readonly responseStatus?: { readonly code?: number }
  readonly requestReceivedTimestamp: string
}

/** What was asked so far, oldest first. A watch counts once, when it began. */
export async function readAuditLog(kube: Pick<KubeApiserver, 'folder'>): Promise<readonly AuditedRequest[]> {
  const text = await readFile(auditLogOf(kube), 'utf8').catch(() => '')
  // The last line may be half written.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return lines.filter((line) => line !== '').flatMap((line) => toRequest(JSON.parse(line) as Entry))
}

function toRequest(entry: Entry): readonly AuditedRequest[] {
  const { stage, verb, user, objectRef = {}, responseStatus, requestReceivedTimestamp } = entry
  const isCounted = verb === 'watch' ? stage === 'ResponseStarted' || isRefused(entry) : stage === 'ResponseComplete'
  if (!isCounted) return []
  const { apiGroup = '', resource = '', subresource, namespace = '', name = '' } = objectRef
  return [
    {
      user: user.username,
      credential: user.extra?.['authentication.kubernetes.io/credential-id']?.[0] ?? '',
      verb,
      group: apiGroup,
      resource: subresource === undefined ? resource : `${resource}/${subresource}`,
      namespace,
      name,
      code: responseStatus?.code ?? 0,
      at: Date.parse(requestReceivedTimestamp),
    },
  ]
}

/** A watch that was refused never started. */
const isRefused = ({ responseStatus }: Entry): boolean => (responseStatus?.code ?? 0) >= 400
