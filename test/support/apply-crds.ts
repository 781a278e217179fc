import type { CustomResourceDefinition } from '../../src/api/index.ts'
import type { ApiRequest } from './api-request.ts'
import { eventually } from './eventually.ts'

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** Creates CRDs, waits until they are served and returns the warnings that the API server had for them. */
export async function applyCrds(
  { request }: { readonly request: ApiRequest },
  crds: readonly CustomResourceDefinition[],
): Promise<readonly string[]> {
  const answers = await Promise.all(crds.map((body) => request('POST', `${CRDS}?fieldValidation=Strict`, { body })))
  const refused = answers.filter(({ status }) => status !== 201)
  if (refused.length > 0) throw new Error(refused.map(({ body }) => JSON.stringify(body.message)).join('\n'))
  for (const { metadata } of crds) {
    await eventually(async () => {
      const { body } = await request('GET', `${CRDS}/${metadata.name}`)
      const conditions: readonly { type: string; status: string; message: string }[] = body.status?.conditions ?? []
      const broken = conditions.find(({ type }) => type === 'NonStructuralSchema')
      if (broken !== undefined) throw new Error(`${metadata.name}: ${broken.message}`)
      return conditions.some(({ type, status }) => type === 'Established' && status === 'True')
    })
  }
  return answers.flatMap(({ warnings }) => warnings)
}
