import type { MetricTemplate } from '../api/index.ts'
import { failure, type Result, success } from '../base/index.ts'
import { messageOf } from '../runtime/index.ts'
import type { ProviderProblem } from './provider.ts'

export type SecretValues = Readonly<Record<string, string>>

/** How the credentials of templates reach their servers; who knows the cluster implements it. */
export interface SecretReader {
  /** The decoded values; undefined when there is no such Secret. It may throw. */
  read(ref: { readonly namespace: string; readonly name: string }): Promise<SecretValues | undefined>
}

/**
 * The credentials of a template, read at the moment of asking and kept nowhere. The Secret lies in the namespace of the
 * template; for a cluster-wide one in that of the Canary, since a Secret elsewhere is not the Canary's to use.
 */
export async function readCredentials(
  secrets: SecretReader | undefined,
  { metadata, spec }: MetricTemplate,
  canaryNamespace: string,
): Promise<Result<SecretValues, ProviderProblem>> {
  const { secretRef } = spec.provider
  if (secretRef === undefined) return success({})
  const ref = { namespace: metadata.namespace ?? canaryNamespace, name: secretRef.name }
  const shown = `the Secret ${ref.namespace}/${ref.name} of the template`
  if (secrets === undefined) return failure({ kind: 'query-error', message: `${shown} can not be read here` })
  try {
    const values = await secrets.read(ref)
    if (values !== undefined) return success(values)
    return failure({ kind: 'query-error', message: `${shown} does not exist` })
  } catch (error) {
    return failure({ kind: 'provider-down', message: `${shown} could not be read: ${messageOf(error)}` })
  }
}
