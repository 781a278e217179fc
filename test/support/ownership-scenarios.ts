import { expect, test } from 'vitest'
import {
  type Canary,
  canaryKind,
  type Deployment,
  deploymentKind,
  type ResourceKind,
  type Service,
  serviceKind,
} from '../../src/api/index.ts'
import { eventually } from './eventually.ts'
import { controllerManager, ownedBy } from './managed-fields.ts'
import { type Stage, stagedCanary, stagedDeployment, startNamespace, watchApp } from './staged-app.ts'

const GIT = 'git'

/** What a release takes from the objects that a GitOps tool has applied: nothing but what docs/targets.md names. */
export function describeOwnership(stage: () => Stage): void {
  const namespace = 'owned'

  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace, labels: { team: 'shop' } },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  }

  const deployment = (version: string, replicas?: number): Deployment => {
    const { replicas: _, template, ...spec } = stagedDeployment(stage(), namespace).spec
    const containers = [{ name: 'web', image: `demo/web:${version}`, ports: [{ name: 'http', containerPort: 8080 }] }]
    return {
      ...stagedDeployment(stage(), namespace),
      spec: {
        ...spec,
        ...(replicas === undefined ? {} : { replicas }),
        template: { ...template, spec: { ...template.spec, containers } },
      },
    }
  }

  /** Fields that each manager has of the objects, by object. */
  async function fieldsOf(manager: string): Promise<Readonly<Record<string, readonly string[]>>> {
    const { client } = stage()
    const read = async (kind: ResourceKind) => {
      const object = await client.get(kind, { namespace, name: 'web' })
      return [kind.kind, object ? ownedBy(object, manager) : []] as const
    }
    return Object.fromEntries(await Promise.all([deploymentKind, serviceKind, canaryKind].map(read)))
  }

  test.concurrent('a release takes no field from Git but those that are documented', async () => {
    const git = stage().clientAs(GIT)
    await startNamespace(stage(), namespace)
    const canary = stagedCanary({ namespace })
    await git.apply(deploymentKind, deployment('1.0.0', 2))
    await git.apply(serviceKind, service)
    await git.apply<Canary>(canaryKind, canary)
    const app = watchApp(stage(), namespace)
    const applied = await fieldsOf(GIT)
    const without = (fields: readonly string[] = [], ...lost: readonly string[]) =>
      fields.filter((field) => !lost.some((each) => field.startsWith(each)))
    const left = {
      Deployment: without(applied.Deployment, 'spec.replicas'),
      Service: without(applied.Service, 'spec.selector'),
      Canary: applied.Canary,
    }
    const taken = {
      Deployment: ['spec.replicas'],
      Service: ['spec.selector'],
      Canary: ['metadata.finalizers.v:"sluice.dev/canary"'],
    }
    expect(Object.values(left).every((fields) => (fields ?? []).length > 3)).toBe(true)

    await app.until('the first version', ({ status }) => expect(status?.phase).toBe('Initialized'))
    expect([await fieldsOf(GIT), await fieldsOf(controllerManager)]).toEqual([left, taken])

    await git.apply(deploymentKind, deployment('1.1.0'))
    await app.ended('1.1.0')
    expect([await fieldsOf(GIT), await fieldsOf(controllerManager)]).toEqual([left, taken])

    app.setMetric(90)
    await git.apply(deploymentKind, deployment('1.2.0'))
    expect((await app.ended('1.2.0')).status?.phase).toBe('Failed')
    expect([await fieldsOf(GIT), await fieldsOf(controllerManager)]).toEqual([left, taken])

    await stage().client.delete(canaryKind, { namespace, name: 'web' })
    const isGone = async () => (await stage().client.get(canaryKind, { namespace, name: 'web' })) === undefined
    await eventually(isGone, { within: 120_000 })
    expect(await fieldsOf(GIT)).toEqual({ ...left, Canary: [] })
    await app.stop()
  }, 300_000)
}
