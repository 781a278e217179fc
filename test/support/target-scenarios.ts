import { expect, test } from 'vitest'
import {
  canaryKind,
  type DaemonSet,
  type Deployment,
  daemonSetKind,
  deploymentKind,
  type ResourceKind,
  type Service,
  serviceKind,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { eventually } from './eventually.ts'
import { controllerManager, ownedBy } from './managed-fields.ts'
import { type Stage, type StagedApp, stagedCanary, stagedDeployment, startNamespace, watchApp } from './staged-app.ts'

const TIMEOUT_MS = 300_000

/** What the release of something else than a Deployment does, told once for each place where it is played. */
export function describeTargets(stage: () => Stage): void {
  const names = async (kind: ResourceKind, namespace: string) =>
    (await stage().client.list(kind, { namespace })).items.map(({ metadata }) => metadata.name).toSorted()

  const selected = async (namespace: string) => {
    const { items } = await stage().client.list(serviceKind, { namespace })
    return Object.fromEntries(items.map(({ metadata, spec }) => [metadata.name, spec.selector?.app]))
  }

  /** Fields of the target that are the controller's now. */
  async function taken(kind: ResourceKind, namespace: string): Promise<readonly string[]> {
    const target = await stage().client.get(kind, { namespace, name: 'web' })
    return target ? ownedBy(target, controllerManager) : expect.unreachable(`no ${kind.kind}`)
  }

  const select = (namespace: string, app: string) =>
    stage().client.patch(serviceKind, { namespace, name: 'web' }, { spec: { selector: { app } } }, { type: 'merge' })

  const ended = (app: StagedApp, run: string, phase: string) =>
    app.until(`${run} is ${phase}`, ({ status }) => expect([status?.runName, status?.phase]).toEqual([run, phase]))

  test.concurrent(
    'a Service is released by its selector, taken back, and served by itself when its Canary is deleted',
    async () => {
      const { client } = stage()
      const namespace = 'selected'
      await startNamespace(stage(), namespace)
      for (const version of ['blue', 'green'])
        await client.create(deploymentKind, versionNamed(stage(), namespace, version))
      await client.create(serviceKind, selecting(namespace, 'blue'))
      const targetRef = { apiVersion: 'v1', kind: 'Service', name: 'web' }
      await client.create(canaryKind, stagedCanary({ namespace, spec: { targetRef } }))
      const app = watchApp(stage(), namespace)
      await app.until('the first version', ({ status }) => expect(status?.phase).toBe('Initialized'))
      expect(await selected(namespace)).toEqual({ web: 'blue', 'web-primary': 'blue', 'web-canary': 'blue' })
      expect(await taken(serviceKind, namespace)).toEqual([])

      app.standAt('50+0')
      await select(namespace, 'green')
      await app.until('half of the traffic', ({ status }) => expect(status?.canaryWeight).toBe(50))
      expect(await selected(namespace)).toEqual({ web: 'green', 'web-primary': 'blue', 'web-canary': 'green' })
      app.setMetric(100)
      await ended(app, 'web-1', 'Succeeded')
      expect(app.routes).toEqual(['0+0', '0+100', '50+0', '0+0'])
      expect(await selected(namespace)).toEqual({ web: 'green', 'web-primary': 'green', 'web-canary': 'green' })

      const impatient = { spec: { progressDeadlineSeconds: 10 } }
      await client.patch(canaryKind, { namespace, name: 'web' }, impatient, { type: 'merge' })
      await select(namespace, 'nobody')
      await ended(app, 'web-2', 'Failed')
      expect(app.routes).toEqual(['0+0', '0+100', '50+0', '0+0'])
      expect((await selected(namespace))['web-primary']).toBe('green')
      await select(namespace, 'green')
      await app.until('it is set back', ({ status }) => expect(status?.phase).toBe('Initialized'))

      app.served.splice(0)
      await client.delete(canaryKind, { namespace, name: 'web' })
      const left = async () => ({
        canaries: await names(canaryKind, namespace),
        services: await names(serviceKind, namespace),
        routes: await names(virtualServiceKind, namespace),
      })
      await eventually(async () => expect(await left()).toEqual({ canaries: [], services: ['web'], routes: [] }), {
        within: 120_000,
      })
      expect(app.served.filter((isServed) => !isServed)).toEqual([])
      await app.stop()
    },
    TIMEOUT_MS,
  )

  test.concurrent(
    'a DaemonSet is released on its nodes, taken back, and serves by itself when its Canary is deleted',
    async () => {
      const { client } = stage()
      const namespace = 'daemons'
      const ref = { namespace, name: 'web' }
      await startNamespace(stage(), namespace)
      await client.create(daemonSetKind, daemonSet(stage(), namespace))
      const targetRef = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'web' }
      await client.create(canaryKind, stagedCanary({ namespace, spec: { targetRef } }))
      const app = watchApp(stage(), namespace)
      const setImage = (version: string) => {
        const containers = [{ name: 'web', image: `demo/web:${version}` }]
        return client.patch(daemonSetKind, ref, { spec: { template: { spec: { containers } } } }, { type: 'strategic' })
      }
      /** Image and pods of target and primary. */
      const versions = async () => {
        const { items } = await client.list(daemonSetKind, { namespace })
        return Object.fromEntries(
          items.map(({ metadata, spec, status }) => [
            metadata.name,
            `${spec.template.spec.containers[0]?.image} x${status?.desiredNumberScheduled}`,
          ]),
        )
      }
      await app.until('the first version', ({ status }) => expect(status?.phase).toBe('Initialized'))
      expect(await taken(daemonSetKind, namespace)).toEqual(['spec.template.spec.nodeSelector'])
      app.standAt('50+0')
      await setImage('1.1.0')
      await app.until('half of the traffic', ({ status }) => expect(status?.canaryWeight).toBe(50))
      expect(await versions()).toEqual({ web: 'demo/web:1.1.0 x1', 'web-primary': 'demo/web:1.0.0 x1' })
      app.setMetric(100)
      expect(app.steps(await app.ended('1.1.0'))).toEqual(['mirror 0 passed', 'weight 50 passed'])
      const promoted = { web: 'demo/web:1.1.0 x0', 'web-primary': 'demo/web:1.1.0 x1' }
      await eventually(async () => expect(await versions()).toEqual(promoted))

      app.setMetric(90)
      await setImage('1.2.0')
      expect((await app.ended('1.2.0')).status?.reason).toBe('ThresholdReached')
      expect((await versions())['web-primary']).toBe('demo/web:1.1.0 x1')

      app.served.splice(0)
      await client.delete(canaryKind, ref)
      await eventually(async () => expect(await versions()).toEqual({ web: 'demo/web:1.2.0 x1' }), { within: 120_000 })
      expect(app.served.filter((isServed) => !isServed)).toEqual([])
      await app.stop()
    },
    TIMEOUT_MS,
  )
}

function daemonSet(stage: Stage, namespace: string): DaemonSet {
  const { spec, metadata } = stagedDeployment(stage, namespace)
  const { selector, template } = spec
  return { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec: { selector, template } }
}

/** One of two Deployments that a Service may lead to: nobody scales them. */
function versionNamed(stage: Stage, namespace: string, name: string): Deployment {
  const { spec, ...rest } = stagedDeployment(stage, namespace)
  const labels = { app: name }
  const template = { ...spec.template, metadata: { labels } }
  return {
    ...rest,
    metadata: { name, namespace, labels },
    spec: { ...spec, replicas: 1, selector: { matchLabels: labels }, template },
  }
}

const selecting = (namespace: string, app: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace },
  spec: { selector: { app }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
})
