import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { revisionAnnotation } from '../../../src/local/workloads/deployment-revision.ts'
import { fencepostsOf, wantedReplicas } from '../../../src/local/workloads/rolling-update.ts'
import { deploymentOf, epoch, templateOf } from '../../support/workload-objects.ts'
import { Simulation } from './simulation.ts'

const started = (spec: Parameters<typeof deploymentOf>[0] = {}): Simulation => {
  const simulation = new Simulation(deploymentOf(spec), epoch)
  simulation.finish()
  simulation.said.length = 0
  return simulation
}

describe('a first rollout', () => {
  test('creates one set of all replicas and says so in its status', () => {
    const simulation = new Simulation(deploymentOf(), epoch)
    simulation.finish()
    const [replicaSet] = simulation.replicaSets
    const hash = replicaSet?.metadata.labels?.['pod-template-hash']
    expect(replicaSet?.metadata.name).toBe(`web-${hash}`)
    expect(replicaSet?.spec.selector).toEqual({ matchLabels: { app: 'web', 'pod-template-hash': hash } })
    expect(replicaSet?.metadata.annotations).toEqual({
      [revisionAnnotation]: '1',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    })
    expect(simulation.deployment.metadata.annotations).toEqual({ [revisionAnnotation]: '1' })
    expect(simulation.deployment.status).toEqual({
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      unavailableReplicas: 0,
      conditions: [
        {
          type: 'Available',
          status: 'True',
          reason: 'MinimumReplicasAvailable',
          message: 'Deployment has minimum availability.',
          lastUpdateTime: '2030-01-01T00:00:00Z',
          lastTransitionTime: '2030-01-01T00:00:00Z',
        },
        {
          type: 'Progressing',
          status: 'True',
          reason: 'NewReplicaSetAvailable',
          message: `ReplicaSet "web-${hash}" has successfully progressed.`,
          lastUpdateTime: '2030-01-01T00:00:00Z',
          lastTransitionTime: '2030-01-01T00:00:00Z',
        },
      ],
    })
  })
})

describe('a rolling update', () => {
  test.each([
    {
      name: 'one pod more, none less',
      rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
      said: ['create web:2 1', 'scale web:1 2', 'scale web:2 2', 'scale web:1 1', 'scale web:2 3', 'scale web:1 0'],
    },
    {
      name: 'none more, one less',
      rollingUpdate: { maxSurge: 0, maxUnavailable: 1 },
      said: [
        'create web:2 0',
        'scale web:1 2',
        'scale web:2 1',
        'scale web:1 1',
        'scale web:2 2',
        'scale web:1 0',
        'scale web:2 3',
      ],
    },
    {
      name: 'all at once',
      rollingUpdate: { maxSurge: '100%', maxUnavailable: '100%' },
      said: ['create web:2 3', 'scale web:1 0'],
    },
  ])('$name', ({ rollingUpdate, said }) => {
    const simulation = started({ strategy: { rollingUpdate } })
    simulation.change({ template: templateOf('web:2') })
    simulation.finish()
    expect(simulation.said).toEqual(said)
    expect(simulation.sizes).toEqual({ 'web:2': 3 })
  })

  test('pods that serve nobody go first, so that a broken version never holds up its successor', () => {
    const simulation = started({ strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } })
    simulation.change({ template: templateOf('web:broken') })
    simulation.settle()
    simulation.runPods((each) => (each.spec.template.spec.containers[0]?.image === 'web:broken' ? 0 : 9))
    simulation.settle()
    expect(simulation.sizes).toEqual({ 'web:1': 3, 'web:broken': 1 })
    simulation.change({ template: templateOf('web:3') })
    simulation.settle()
    expect(simulation.sizes).toEqual({ 'web:1': 3, 'web:3': 1 })
  })

  test('going back takes the old set again and gives it the next revision', () => {
    const simulation = started()
    simulation.change({ template: templateOf('web:2') })
    simulation.finish()
    simulation.change({ template: templateOf('web:1') })
    simulation.finish()
    expect(simulation.replicaSets.map((each) => each.metadata.annotations?.[revisionAnnotation])).toEqual(['3', '2'])
    expect(simulation.deployment.metadata.annotations?.[revisionAnnotation]).toBe('3')
    expect(simulation.sizes).toEqual({ 'web:1': 3 })
  })

  test('history beyond the limit is deleted, oldest first', () => {
    const simulation = started({ revisionHistoryLimit: 1 })
    for (const version of ['2', '3', '4']) {
      simulation.change({ template: templateOf(`web:${version}`) })
      simulation.finish()
    }
    expect(simulation.said.filter((each) => each.startsWith('delete'))).toEqual(['delete web:1', 'delete web:2'])
  })
})

describe('size', () => {
  test('to zero and back', () => {
    const simulation = started()
    simulation.change({ replicas: 0 })
    simulation.finish()
    expect(simulation.sizes).toEqual({})
    expect(simulation.condition('Available')).toBe('True MinimumReplicasAvailable')
    simulation.change({ replicas: 2 })
    simulation.finish()
    expect(simulation.sizes).toEqual({ 'web:1': 2 })
  })

  test('a change in the middle of a rollout is shared out in proportion', () => {
    const simulation = started({ replicas: 10, strategy: { rollingUpdate: { maxSurge: 2, maxUnavailable: 2 } } })
    simulation.change({ template: templateOf('web:2') })
    simulation.settle()
    simulation.runPods((each) => (each.spec.template.spec.containers[0]?.image === 'web:2' ? 0 : 99))
    simulation.settle()
    expect(simulation.sizes).toEqual({ 'web:1': 8, 'web:2': 4 })
    simulation.change({ replicas: 20 })
    simulation.pass()
    expect(simulation.sizes).toEqual({ 'web:1': 15, 'web:2': 7 })
  })

  test('a paused Deployment is resized but rolls nothing out', () => {
    const simulation = started()
    simulation.change({ paused: true, template: templateOf('web:2'), replicas: 5 })
    simulation.finish()
    expect(simulation.sizes).toEqual({ 'web:1': 5 })
    expect(simulation.condition('Progressing')).toBe('Unknown DeploymentPaused')
    simulation.change({ paused: false })
    simulation.finish()
    expect(simulation.sizes).toEqual({ 'web:2': 5 })
    expect(simulation.condition('Progressing')).toBe('True NewReplicaSetAvailable')
  })
})

describe('the progress deadline', () => {
  test('passes when nothing becomes ready, and is forgotten when something does', () => {
    const simulation = started({ progressDeadlineSeconds: 60 })
    simulation.change({ template: templateOf('web:2') })
    simulation.settle()
    const stuck = () =>
      simulation.runPods((each) => (each.metadata.name === simulation.replicaSets[1]?.metadata.name ? 0 : 9))
    stuck()
    simulation.settle()
    simulation.now += 59_000
    simulation.settle()
    expect(simulation.condition('Progressing')).toBe('True ReplicaSetUpdated')
    simulation.now += 2_000
    simulation.settle()
    expect(simulation.condition('Progressing')).toBe('False ProgressDeadlineExceeded')
    simulation.finish()
    expect(simulation.condition('Progressing')).toBe('True NewReplicaSetAvailable')
  })
})

test('Recreate waits for the old pods to go', () => {
  const simulation = started({ strategy: { type: 'Recreate' } })
  simulation.change({ template: templateOf('web:2') })
  simulation.finish()
  expect(simulation.said).toEqual(['scale web:1 0', 'create web:2 3'])
})

const share = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%`),
)

test('whatever the strategy, a rollout ends, never exceeds its surge and never undercuts its availability', () => {
  fc.assert(
    fc.property(
      fc.record({ replicas: fc.integer({ min: 0, max: 12 }), maxSurge: share, maxUnavailable: share }),
      ({ replicas, maxSurge, maxUnavailable }) => {
        const simulation = started({ replicas, strategy: { rollingUpdate: { maxSurge, maxUnavailable } } })
        simulation.change({ template: templateOf('web:2') })
        simulation.finish(() => {
          const size = simulation.replicaSets.map((each) =>
            Math.min(each.spec.replicas ?? 0, each.status?.availableReplicas ?? 0),
          )
          const available = size.reduce((sum, each) => sum + each, 0)
          const { deployment } = simulation
          expect(available).toBeGreaterThanOrEqual(wantedReplicas(deployment) - fencepostsOf(deployment).maxUnavailable)
          expect(simulation.withinSurge).toBe(true)
        })
        expect(simulation.sizes).toEqual(replicas === 0 ? {} : { 'web:2': replicas })
      },
    ),
  )
})
