import type { Pod } from '../../api/index.ts'
import type { Locality } from '../model/index.ts'

/** Istio's. */
const localityLabel = 'istio-locality'

/** As the pod's label says: `region.zone.subzone`, the latter parts optional. */
export function localityOf(pod: Pod | undefined): Locality | undefined {
  const label = pod?.metadata.labels?.[localityLabel]
  if (label === undefined) return undefined
  const [region = '', zone = '', subZone = ''] = label.split('.')
  return { region, zone, subZone }
}
