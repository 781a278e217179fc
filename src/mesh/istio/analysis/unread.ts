import { fieldsOf } from '../fields.ts'
import type { Catalog } from './catalog.ts'
import { type Found, info } from './found.ts'

/** Objects that look as if they were for the mesh, of which it reads nothing. */
export const checkUnread = ({ all }: Catalog): readonly Found[] =>
  all.flatMap(({ object, ...given }) => {
    const group = String(fieldsOf(object).apiVersion).split('/')[0] ?? ''
    const instead = insteadOf[group]
    if (instead === undefined) return []
    return [info('NotRead', given, ['kind'], `not looked at, for ${instead}`)]
  })

const insteadOf: Readonly<Partial<Record<string, string>>> = {
  'install.istio.io':
    'it is of the installation and not of the mesh; `sluice install-values` makes values of the chart of it',
  'gateway.networking.k8s.io': 'this mesh does not read the Gateway API; write a Gateway and VirtualServices of Istio',
}
