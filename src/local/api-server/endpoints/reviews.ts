import { timingSafeEqual } from 'node:crypto'
import { parseObject } from '../http/body.ts'
import { type ApiRequest, type ApiResponse, json } from '../http/request.ts'
import { type JsonObject, stringAt } from '../json.ts'
import { badRequest } from '../status-error.ts'

export const user: JsonObject = { username: 'sluice-local-admin', groups: ['system:masters', 'system:authenticated'] }

const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }
const allUrls = { verbs: ['*'], nonResourceURLs: ['*'] }

/**
 * Who may do what: the one holder of the token, everything. kubectl sends some of these as protobuf; the answer does
 * not depend on what they say, so such a body is not read.
 */
export async function serveReview(plural: string, request: ApiRequest, token: string): Promise<ApiResponse> {
  switch (plural) {
    case 'selfsubjectreviews':
      return review('authentication.k8s.io', 'SelfSubjectReview', { userInfo: user })
    case 'tokenreviews':
      return review('authentication.k8s.io', 'TokenReview', await tokenStatus(request, token))
    case 'selfsubjectrulesreviews':
      return review('authorization.k8s.io', 'SelfSubjectRulesReview', {
        resourceRules: [everything],
        nonResourceRules: [allUrls],
        incomplete: false,
      })
    default:
      return review('authorization.k8s.io', kinds[plural] ?? 'SelfSubjectAccessReview', { allowed: true })
  }
}

const kinds: Readonly<Record<string, string>> = {
  selfsubjectaccessreviews: 'SelfSubjectAccessReview',
  subjectaccessreviews: 'SubjectAccessReview',
  localsubjectaccessreviews: 'LocalSubjectAccessReview',
}

export const isReview = (group: string, plural: string): boolean =>
  (group === 'authorization.k8s.io' && Object.hasOwn(kinds, plural)) ||
  (group === 'authorization.k8s.io' && plural === 'selfsubjectrulesreviews') ||
  (group === 'authentication.k8s.io' && (plural === 'selfsubjectreviews' || plural === 'tokenreviews'))

const review = (group: string, kind: string, status: JsonObject): ApiResponse =>
  json({ kind, apiVersion: `${group}/v1`, metadata: { creationTimestamp: null }, spec: {}, status }, 201)

async function tokenStatus(request: ApiRequest, token: string): Promise<JsonObject> {
  if (request.contentType.includes('protobuf')) throw badRequest('send a TokenReview as JSON')
  const given = stringAt(parseObject(await request.body(), request.contentType), 'spec', 'token') ?? ''
  return isSameToken(given, token) ? { authenticated: true, user } : { authenticated: false }
}

/** Compares in constant time. */
export function isSameToken(given: string, token: string): boolean {
  const a = Buffer.from(given)
  const b = Buffer.from(token)
  return a.length === b.length && timingSafeEqual(a, b)
}
