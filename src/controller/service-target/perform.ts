import { type Canary, type Service, serviceKind } from '../../api/index.ts'
import type { KubeClient } from '../../kube/index.ts'
import type { LocalCopies } from '../local-copies.ts'
import { isCopyOf, renderCopy } from './copy.ts'

export interface CopyServiceOptions {
  readonly client: KubeClient
  readonly copies: Pick<LocalCopies, 'services'>
}

/** Makes the Service of that name lead where the target leads now. */
export async function copyService(
  { client, copies }: CopyServiceOptions,
  canary: Canary,
  target: Service,
  name: string,
): Promise<void> {
  const existing = copies.services.get({ namespace: canary.metadata.namespace, name })
  if (isCopyOf(canary, target, existing)) return
  const copy = renderCopy(canary, name, target, existing)
  copies.services.overlay(existing ? await client.replace(serviceKind, copy) : await client.create(serviceKind, copy))
}
