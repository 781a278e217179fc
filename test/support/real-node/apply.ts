import type { KubeApiserver } from '../kube-apiserver.ts'

/** Creates objects; their kinds are those of the API's own groups. */
export async function applyAll({ request }: Pick<KubeApiserver, 'request'>, objects: readonly ApiObject[]) {
  for (const object of objects) {
    const path = pathOf(object)
    const { status, body } = await request('PATCH', `${path}?fieldManager=test&force=true`, {
      body: object,
      contentType: 'application/apply-patch+yaml',
    })
    if (status >= 300) throw new Error(`${path}: ${status} ${body.message}`)
  }
}

export interface ApiObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: object }
  readonly [field: string]: unknown
}

function pathOf({ apiVersion, kind, metadata }: ApiObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`
  const plural = `${kind.toLowerCase()}s`.replace(/ys$/, 'ies')
  return `${root}${scope}/${plural}/${metadata.name}`
}
