import { catalogOf } from './analysis/catalog.ts'
import { checkDestinations } from './analysis/destinations.ts'
import type { Found } from './analysis/found.ts'
import { checkGateways } from './analysis/gateways.ts'
import { checkPolicies } from './analysis/policies.ts'
import { checkRoutes } from './analysis/routes.ts'
import { checkRules } from './analysis/rules.ts'
import { checkSelectors } from './analysis/selectors.ts'
import { checkServices } from './analysis/services.ts'
import { checkTelemetries } from './analysis/telemetries.ts'
import { checkUnread } from './analysis/unread.ts'
import { checkWorkloads } from './analysis/workloads.ts'
import { checkObject } from './check-object.ts'
import type { Diagnostic } from './diagnostic.ts'

/** What is wrong with each object, and between them. The list of the n-th object is the n-th. */
export function analyze(objects: readonly unknown[]): readonly (readonly Diagnostic[])[] {
  const known = catalogOf(objects)
  const found = Map.groupBy(
    checks.flatMap((check) => check(known)),
    ({ index }) => index,
  )
  return objects.map((object, at) => [
    ...checkObject(object),
    ...(found.get(at) ?? []).map(({ index: _, ...diagnostic }: Found): Diagnostic => diagnostic),
  ])
}

const checks = [
  ...[checkRoutes, checkGateways, checkDestinations, checkRules],
  ...[checkSelectors, checkPolicies, checkTelemetries, checkServices, checkWorkloads, checkUnread],
]
