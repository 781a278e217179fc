import { hasLabels } from '../supported-security.ts'
import type { Catalog } from './catalog.ts'
import { type Labels, selectTogether } from './cluster.ts'
import { type Found, nameOf, warning, withEarlier } from './found.ts'

type Given = Catalog['telemetries'][number]

/** Telemetries against each other, and those that say nothing. */
export const checkTelemetries = (known: Catalog): readonly Found[] => [
  ...known.telemetries.flatMap(checkSaysSomething),
  ...checkWide(known),
  ...checkSelected(known),
]

function checkSaysSomething(telemetry: Given): readonly Found[] {
  const { tracing, accessLogging, metrics } = telemetry.spec
  const isSaid = tracing.length + accessLogging.length + metrics.flatMap(({ overrides }) => overrides).length > 0
  if (isSaid) return []
  const message =
    'says nothing, so that proxies tell what they tell without it; write tracing, accessLogging or metrics'
  return [warning('IdlePolicy', telemetry, ['spec'], message)]
}

const isWide = ({ spec }: Given): boolean => !hasLabels(spec.selector)

/** Of several for a whole namespace the oldest counts. */
const checkWide = ({ telemetries }: Catalog): readonly Found[] =>
  withEarlier(telemetries.filter(isWide), (earlier, later) => earlier.key.namespace === later.key.namespace).map(
    ({ earlier, later }) => {
      const message = `the Telemetry ${nameOf(earlier)} is for the whole namespace, too, and only the older one counts; merge the two or give one a selector`
      return warning('PolicyConflict', later, ['spec'], message)
    },
  )

function checkSelected({ telemetries, cluster }: Catalog): readonly Found[] {
  const labelsOf = ({ spec }: Given): Labels => spec.selector?.matchLabels ?? {}
  return withEarlier(
    telemetries.filter((each) => !isWide(each)),
    (earlier, later) =>
      earlier.key.namespace === later.key.namespace &&
      selectTogether(cluster, later.key.namespace, labelsOf(earlier), labelsOf(later)),
  ).map(({ earlier, later }) => {
    const message = `the Telemetry ${nameOf(earlier)} selects the same workloads, too, and where both say something the younger one counts; merge the two`
    return warning('PolicyConflict', later, ['spec', 'selector', 'matchLabels'], message)
  })
}
