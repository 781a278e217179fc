import type { Canary } from '../api/index.ts'

export interface ServiceNames {
  readonly apex: string
  readonly primary: string
  readonly canary: string
}

/** The three Services of a release, named as Flagger names them. */
export function serviceNamesOf({ spec }: Pick<Canary, 'spec'>): ServiceNames {
  const apex = spec.service.name ?? spec.targetRef.name
  return { apex, primary: `${apex}-primary`, canary: `${apex}-canary` }
}
