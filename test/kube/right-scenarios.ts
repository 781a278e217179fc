import { beforeAll, describe, expect, test } from 'vitest'
import {
  alertProviderKind,
  type Canary,
  canaryKind,
  destinationRuleKind,
  eventKind,
  horizontalPodAutoscalerKind,
  metricTemplateKind,
} from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { jobTemplate } from '../support/job-template.ts'
import { controllerUser, type KubeStage } from '../support/kube-stage.ts'
import { joinNamespace, type StagedApp, startNamespace } from '../support/staged-app.ts'
import { queryOf } from '../support/stand-in-prometheus.ts'
import type { PolicyRule } from '../support/unused-rights.ts'

const TIMEOUT_MS = 300_000
const WITHIN = { within: 120_000 }

/** Where the chart was given neither Secrets nor Jobs, and both are asked for. */
export const ungrantedNamespaces: readonly string[] = ['without-secrets', 'without-jobs']

/** A release says which right it lacks. */
export function describeUngranted(stage: () => KubeStage): void {
  const holdsFor = (app: StagedApp, why: RegExp) =>
    app.until('it says which right is missing', ({ status }) => {
      expect(status?.message).toMatch(why)
      expect(status?.phase).toBe('Progressing')
    })

  test.concurrent(
    'a Secret that the controller may not read is named by the verdict and by an event',
    async () => {
      const { client, prometheus } = stage()
      const namespace = 'without-secrets'
      await startNamespace(stage(), namespace)
      await client.create(metricTemplateKind, {
        apiVersion: 'sluice.dev/v1',
        kind: 'MetricTemplate',
        metadata: { name: 'guarded', namespace },
        spec: {
          provider: { type: 'prometheus', address: prometheus.url, secretRef: { name: 'password' } },
          query: queryOf(namespace),
        },
      })
      await client.create(alertProviderKind, {
        apiVersion: 'sluice.dev/v1',
        kind: 'AlertProvider',
        metadata: { name: 'team', namespace },
        spec: { type: 'webhook', secretRef: { name: 'address' } },
      } as never)
      const metrics = [{ name: 'guarded', templateRef: { name: 'guarded' }, thresholdRange: { min: 99 } }]
      const alerts = [{ name: 'team', severity: 'info', providerRef: { name: 'team' } }]
      const app = await joinNamespace(stage(), { namespace, analysis: { mirror: false, metrics, alerts } })
      await app.setImage('1.1.0')
      const lacks = (name: string) =>
        `get Secret ${namespace}/${name}: secrets "${name}" is forbidden: User "${controllerUser}" cannot get resource "secrets" in API group "" in the namespace "${namespace}": name the namespace in controller.readSecretsIn of the chart`
      await holdsFor(app, new RegExp(`^holds without a verdict: .*${quote(lacks('password'))}`))
      const told = async () =>
        (await client.list(eventKind, { namespace })).items.filter(({ reason }) => reason === 'AlertNotSent')
      await eventually(async () => expect((await told()).length).toBeGreaterThan(0), WITHIN)
      expect(new Set((await told()).map(({ message }) => message))).toEqual(
        new Set([`alert team: ${lacks('address')}`]),
      )
      await app.stop()
    },
    TIMEOUT_MS,
  )

  test.concurrent(
    'a Job that the controller may not run is named by the verdict',
    async () => {
      const { client, podSpec } = stage()
      const namespace = 'without-jobs'
      await startNamespace(stage(), namespace)
      await client.create(metricTemplateKind, jobTemplate({ namespace, name: 'exit', left: 'done', podSpec }))
      const metrics = [{ name: 'exit', templateRef: { name: 'exit' }, thresholdRange: { min: 1 } }]
      const app = await joinNamespace(stage(), { namespace, analysis: { mirror: false, metrics } })
      await app.setImage('1.1.0')
      const lacks = `User "${controllerUser}" cannot get resource "jobs" in API group "batch" in the namespace "${namespace}": name the namespace in controller.runJobsIn of the chart`
      await holdsFor(app, new RegExp(`^holds without a verdict: .*could not be run: .*${quote(lacks)}`))
      await app.stop()
    },
    TIMEOUT_MS,
  )
}

interface Lack {
  /** As in unused-rights.ts. */
  readonly right: string
  /** What the Canary says that was refused, and why. */
  readonly said: RegExp
}

const cannotOwn = /cannot set an ownerRef on a resource you can't delete/

/** Of a Canary with an autoscaler and a traffic policy that is released and deleted, in the order in which they are needed. */
const lacks: readonly (Lack & { readonly at: 'start' | 'release' | 'deletion' })[] = [
  {
    at: 'start',
    right: 'create networking.istio.io/destinationrules',
    said: /^create DestinationRule lacking\/web-primary: .* cannot create resource "destinationrules"/,
  },
  {
    at: 'release',
    right: 'update sluice.dev/canaries/finalizers',
    said: /^create CanaryRun lacking\/web-1: .* cannot set blockOwnerDeletion/,
  },
  { at: 'deletion', right: 'delete /services', said: join(/^replace Service lacking\/web-/, cannotOwn) },
  {
    at: 'deletion',
    right: 'delete networking.istio.io/destinationrules',
    said: join(/^replace DestinationRule lacking\/web-/, cannotOwn),
  },
  {
    at: 'deletion',
    right: 'delete networking.istio.io/virtualservices',
    said: join(/^replace VirtualService lacking\/web/, cannotOwn),
  },
  {
    at: 'deletion',
    right: 'delete autoscaling/horizontalpodautoscalers',
    said: join(/^replace HorizontalPodAutoscaler lacking\/web-primary/, cannotOwn),
  },
  {
    at: 'deletion',
    right: 'delete apps/deployments',
    said: join(/^replace Deployment lacking\/web-primary/, cannotOwn),
  },
]

function join(...parts: readonly RegExp[]): RegExp {
  return new RegExp(parts.map(({ source }) => source).join('.*'))
}

const quote = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Takes rights out of the role: nothing else may run beside it. */
export function describeMissingRights(stage: () => KubeStage): void {
  describe('a right that is taken away', () => {
    const namespace = 'lacking'
    const ref = { namespace, name: 'web' }
    const missing = new Set(lacks.map(({ right }) => right))
    let rules: readonly PolicyRule[]

    beforeAll(async () => {
      rules = (await stage().plane.request('GET', ROLE)).body.rules
      await writeRole(stage(), rules, missing)
      for (const { right } of lacks)
        await eventually(async () => expect(await isAllowed(stage(), right, namespace)).toBe(false), WITHIN)
    })

    test(
      'is named by the Canary that needs it, which goes on when it is granted',
      async () => {
        const { client } = stage()
        await startNamespace(stage(), namespace)
        await client.create(horizontalPodAutoscalerKind, {
          apiVersion: 'autoscaling/v2',
          kind: 'HorizontalPodAutoscaler',
          metadata: ref,
          spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 4 },
        })
        const meet = async (at: (typeof lacks)[number]['at']) => {
          for (const { right, said } of lacks.filter((lack) => lack.at === at)) {
            await eventually(async () => {
              const { reason, message } = stalledOf(await client.get(canaryKind, ref)) ?? {}
              expect([reason, message]).toEqual(['RequestRefused', expect.stringMatching(said)])
            }, WITHIN)
            missing.delete(right)
            await writeRole(stage(), rules, missing)
            await eventually(async () => expect(await isAllowed(stage(), right, namespace)).toBe(true), WITHIN)
            // It would try again by itself, later and later; with the last right it is gone by then.
            const granted = { metadata: { annotations: { granted: right.replace(/.* /, '') } } }
            await client.patch(canaryKind, ref, granted, { type: 'merge' }).catch(() => undefined)
          }
        }
        const started = joinNamespace(stage(), {
          namespace,
          spec: {
            service: { port: 80, targetPort: 8080, trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } } },
            autoscalerRef: { kind: 'HorizontalPodAutoscaler', name: 'web' },
            skipAnalysis: true,
          },
        })
        await meet('start')
        const app = await started
        expect((await client.list(destinationRuleKind, { namespace })).items).toHaveLength(2)
        await app.setImage('1.1.0')
        await meet('release')
        await app.ended('1.1.0')
        await app.until('nothing is refused', (canary) => expect(stalledOf(canary)).toBeUndefined())
        await client.delete(canaryKind, ref)
        await meet('deletion')
        await eventually(async () => expect(await client.get(canaryKind, ref)).toBeUndefined(), WITHIN)
        await app.stop()
      },
      TIMEOUT_MS,
    )
  })
}

const stalledOf = (canary: Canary | undefined) =>
  canary?.status?.conditions?.find(({ type, status }) => type === 'Stalled' && status === 'True')

const ROLE = '/apis/rbac.authorization.k8s.io/v1/clusterroles/sluice-controller'

async function writeRole(
  { plane }: KubeStage,
  rules: readonly PolicyRule[],
  missing: ReadonlySet<string>,
): Promise<void> {
  const left = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.map((resource) => ({
        apiGroups: [group],
        resources: [resource],
        verbs: verbs.filter((verb) => !missing.has(`${verb} ${group}/${resource}`)),
      })),
    ),
  )
  const body = { rules: left.filter(({ verbs }) => verbs.length > 0) }
  const { status } = await plane.request('PATCH', ROLE, { body, contentType: 'application/merge-patch+json' })
  expect(status).toBe(200)
}

/** Rules reach the authorizer by a watch of its own. */
async function isAllowed({ plane }: KubeStage, right: string, namespace: string): Promise<boolean> {
  const [, verb, group, resource, subresource] = /^(\S+) ([^/]*)\/([^/]+)(?:\/(.+))?$/.exec(right) ?? []
  const attributes = { verb, group, resource, namespace, ...(subresource === undefined ? {} : { subresource }) }
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user: controllerUser, resourceAttributes: attributes },
  }
  return (await plane.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { body })).body.status
    .allowed
}
