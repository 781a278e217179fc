import type { KubernetesObject, ResourceKind } from '../../api/index.ts'
import type { KubeClient } from '../../kube/index.ts'
import { readPodToken } from '../ca/index.ts'
import type { Authenticate } from '../xds/index.ts'

/** By tokens that whoever started the pods made with this key. */
export const authenticateByKey =
  (key: string): Authenticate =>
  (token) =>
    Promise.resolve(readPodToken(key, token))

interface TokenReview extends KubernetesObject {
  readonly spec: { readonly token: string; readonly audiences: readonly string[] }
  readonly status?: {
    readonly authenticated?: boolean
    readonly audiences?: readonly string[]
    readonly user?: {
      readonly username?: string
      readonly extra?: Readonly<Record<string, readonly string[]>>
    }
  }
}

const tokenReviewKind: ResourceKind<TokenReview> = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
}

/** What the projected tokens of proxies are for. */
const tokenAudience = 'sluice-mesh'

/** By Kubernetes: it knows the pod that it projected the token into, and that the pod still exists. */
export const authenticateByTokenReview =
  (client: Pick<KubeClient, 'create'>): Authenticate =>
  async (token) => {
    if (token === '') return undefined
    const { status } = await client.create(tokenReviewKind, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: { name: '' },
      spec: { token, audiences: [tokenAudience] },
    })
    const [, namespace] = /^system:serviceaccount:([^:]+):/.exec(status?.user?.username ?? '') ?? []
    const pod = status?.user?.extra?.['authentication.kubernetes.io/pod-name']?.[0]
    // A server that knows no audiences says so by naming none.
    const isForUs = status?.authenticated === true && status.audiences?.includes(tokenAudience) === true
    const isPod = isForUs && namespace !== undefined && pod !== undefined
    return isPod ? { namespace, pod } : undefined
  }
