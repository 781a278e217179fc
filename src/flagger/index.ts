/**
 * flagger: Flagger's objects (`flagger.app/v1beta1`) as Sluice's. `createFlaggerClient` is a KubeClient that shows
 * Canaries, MetricTemplates and AlertProviders of that group as those of `sluice.dev`, and writes their status as Flagger
 * does; so the controller runs their releases without knowing of them. `findFlaggerLease` tells whether Flagger still runs.
 * It decides nothing about releases.
 */
export { createFlaggerClient } from './client.ts'
export { findFlaggerLease } from './lease.ts'
export { convertSpec, unsupportedFields } from './spec.ts'
