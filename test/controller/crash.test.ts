import { describe, expect, test } from 'vitest'
import { deploymentKind } from '../../src/api/index.ts'
import { KubeError } from '../../src/kube/index.ts'
import { buildDeployment, createCanary, createReleaseCluster, type ReleaseCluster } from '../support/release-cluster.ts'

/** A controller that dies at its Nth write, before the write or right after it, and another that takes over. */
async function release(
  verdict: 'passed' | 'failed',
  dieAt: number,
): Promise<{ cluster: ReleaseCluster; writes: number }> {
  const cluster = createReleaseCluster()
  await cluster.user.create(deploymentKind, buildDeployment())
  await createCanary(cluster)
  let writes = 0
  let isDead = false
  const stopFirst = cluster.startController({
    before: () => {
      writes += 1
      isDead ||= writes >= dieAt
      if (isDead) throw new KubeError('the process is gone', { code: 0, reason: 'Unreachable', retry: 'never' })
    },
  })
  const restartIfDead = async () => {
    if (!isDead) return
    await stopFirst()
    stops.push(cluster.startController())
    isDead = false
  }
  const stops: (() => Promise<void>)[] = []
  const until = async (phase: string) => {
    for (let count = 0; count < 400 && cluster.canary().status?.phase !== phase; count++) {
      await cluster.pass(500)
      if (isDead && stops.length === 0) await restartIfDead()
    }
    expect([dieAt, cluster.canary().status?.phase]).toEqual([dieAt, phase])
  }
  await until('Initialized')
  cluster.verdict = verdict
  await cluster.setImage('web:2')
  await until(verdict === 'passed' ? 'Succeeded' : 'Failed')
  await cluster.pass(1_000)
  if (stops.length === 0) await stopFirst()
  for (const stop of stops) await stop()
  return { cluster, writes }
}

describe.each(['passed', 'failed'] as const)('a controller that dies at any of its writes, verdict %s', (verdict) => {
  test('its successor brings the release to the same end', async () => {
    const { writes } = await release(verdict, Number.POSITIVE_INFINITY)
    expect(writes).toBeGreaterThan(20)
    for (let dieAt = 1; dieAt <= writes; dieAt++) {
      const { cluster } = await release(verdict, dieAt)
      const primary = cluster.deployment('web-primary').spec.template.spec.containers[0]?.image
      const weights = cluster
        .route()
        .spec.http?.at(-1)
        ?.route?.map(({ weight }) => weight)
      const end = { primary, weights, replicas: cluster.deployment('web').spec.replicas, runs: cluster.runs().length }
      const image = verdict === 'passed' ? 'web:2' : 'web:1'
      expect([dieAt, end]).toEqual([dieAt, { primary: image, weights: [100, 0], replicas: 0, runs: 1 }])
      // No share is ever published twice as large as the evidence allows, whatever was lost.
      const shares = cluster.weights().map((text) => Number.parseInt(text, 10))
      expect(Math.max(...shares)).toBe(verdict === 'passed' ? 40 : 0)
    }
  })
})
