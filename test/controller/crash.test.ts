import { describe, expect, test } from 'vitest'
import { abortAnnotation, canaryKind, deploymentKind, promoteAnnotation, serviceKind } from '../../src/api/index.ts'
import { createDeath } from '../support/death.ts'
import { buildDeployment, createCanary, createReleaseCluster, type ReleaseCluster } from '../support/release-cluster.ts'

const ref = { namespace: 'default', name: 'web' }

interface Scenario {
  readonly name: string
  /** What the user does once the first version serves, and when it counts as over. */
  play(cluster: ReleaseCluster, until: (what: string, condition: () => boolean) => Promise<void>): Promise<void>
  readonly end: object
  /** The largest share that the evidence allows. */
  readonly largest: number
}

const phase = (cluster: ReleaseCluster) => cluster.canary().status?.phase
const weightIs = (cluster: ReleaseCluster, weight: string) => () => cluster.weights().at(-1) === weight

async function annotate(cluster: ReleaseCluster, annotation: string): Promise<void> {
  const annotations = { [annotation]: cluster.canary().status?.lastAppliedSpec }
  await cluster.user.patch(canaryKind, ref, { metadata: { annotations } }, { type: 'merge' })
}

const promoted = { primary: 'web:2', weights: [100, 0], replicas: 0, phase: 'Succeeded', runs: 1 }
const rolledBack = { primary: 'web:1', weights: [100, 0], replicas: 0, phase: 'Failed', runs: 1 }

const scenarios: readonly Scenario[] = [
  {
    name: 'a promotion',
    async play(cluster, until) {
      await cluster.setImage('web:2')
      await until('Succeeded', () => phase(cluster) === 'Succeeded')
    },
    end: promoted,
    largest: 40,
  },
  {
    name: 'a rollback from the mirrored step',
    async play(cluster, until) {
      cluster.verdict = 'failed'
      await cluster.setImage('web:2')
      await until('Failed', () => phase(cluster) === 'Failed')
    },
    end: rolledBack,
    largest: 0,
  },
  {
    name: 'a rollback from a weight',
    async play(cluster, until) {
      await cluster.setImage('web:2')
      await until('20 %', weightIs(cluster, '20'))
      cluster.verdict = 'failed'
      await until('Failed', () => phase(cluster) === 'Failed')
    },
    end: rolledBack,
    largest: 20,
  },
  {
    name: 'an abort',
    async play(cluster, until) {
      await cluster.setImage('web:2')
      await until('20 %', weightIs(cluster, '20'))
      await annotate(cluster, abortAnnotation)
      await until('Failed', () => phase(cluster) === 'Failed')
    },
    end: rolledBack,
    largest: 40,
  },
  {
    name: 'a promotion by an operator',
    async play(cluster, until) {
      cluster.verdict = 'no-data'
      await cluster.setImage('web:2')
      await until('the mirrored step', weightIs(cluster, '0 mirrored'))
      await annotate(cluster, promoteAnnotation)
      await until('Succeeded', () => phase(cluster) === 'Succeeded')
    },
    end: promoted,
    largest: 0,
  },
  {
    name: 'a newer revision in the middle',
    async play(cluster, until) {
      await cluster.setImage('web:3')
      await until('20 %', weightIs(cluster, '20'))
      await cluster.setImage('web:2')
      await until('Succeeded', () => phase(cluster) === 'Succeeded')
    },
    end: { ...promoted, runs: 2 },
    largest: 40,
  },
]

interface Played {
  readonly cluster: ReleaseCluster
  readonly writes: number
}

/** A controller that dies at its Nth write, and another that takes over. */
async function play(dieAt: number, story: (lives: Lives) => Promise<void>): Promise<Played> {
  const cluster = createReleaseCluster()
  await cluster.user.create(deploymentKind, buildDeployment())
  await createCanary(cluster)
  const death = createDeath(dieAt)
  let hasSuccessor = false
  const stops = [cluster.startController({ before: death.before })]
  const until = async (what: string, condition: () => boolean) => {
    for (let count = 0; count < 400 && !condition(); count++) {
      await cluster.pass(500)
      if (!death.isDead() || hasSuccessor) continue
      hasSuccessor = true
      await stops[0]?.()
      stops.push(cluster.startController())
    }
    expect([dieAt, what, condition()]).toEqual([dieAt, what, true])
  }
  await story({ cluster, until })
  for (const stop of stops) await stop()
  return { cluster, writes: death.writes() }
}

interface Lives {
  readonly cluster: ReleaseCluster
  readonly until: (what: string, condition: () => boolean) => Promise<void>
}

function endOf(cluster: ReleaseCluster) {
  const rules = cluster.route().spec.http ?? []
  return {
    primary: cluster.deployment('web-primary').spec.template.spec.containers[0]?.image,
    weights: rules.at(-1)?.route?.map(({ weight }) => weight),
    replicas: cluster.deployment('web').spec.replicas,
    phase: phase(cluster),
    runs: cluster.runs().length,
  }
}

describe('a controller that dies at any of its writes', { timeout: 300_000 }, () => {
  test.each(scenarios)('its successor brings $name to the same end', async (scenario) => {
    const story = async ({ cluster, until }: Lives) => {
      await until('Initialized', () => phase(cluster) === 'Initialized')
      await scenario.play(cluster, until)
      await until('the workload is scaled down', () => cluster.deployment('web').spec.replicas === 0)
      await cluster.pass(1_000)
    }
    const { writes } = await play(Number.POSITIVE_INFINITY, story)
    expect(writes).toBeGreaterThan(20)
    for (let dieAt = 1; dieAt <= writes; dieAt++) {
      const { cluster } = await play(dieAt, story)
      expect([dieAt, endOf(cluster)]).toEqual([dieAt, scenario.end])
      // No share is ever published twice as large as the evidence allows, whatever was lost.
      const shares = cluster.weights().map((text) => Number.parseInt(text, 10))
      expect([dieAt, Math.max(...shares) <= scenario.largest]).toEqual([dieAt, true])
    }
  })

  test('its successor gives the workload of a deleted Canary back', async () => {
    const story = async ({ cluster, until }: Lives) => {
      await until('Initialized', () => phase(cluster) === 'Initialized')
      await cluster.user.delete(canaryKind, ref)
      await until('the Canary is gone', () => cluster.api.list(canaryKind).length === 0)
    }
    const { writes } = await play(Number.POSITIVE_INFINITY, story)
    for (let dieAt = 1; dieAt <= writes; dieAt++) {
      const { cluster } = await play(dieAt, story)
      const { selector } = cluster.api.get(serviceKind, 'web').spec
      expect([dieAt, cluster.deployment('web').spec.replicas, selector]).toEqual([dieAt, 2, { app: 'web' }])
    }
  })
})
