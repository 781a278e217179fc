import { expect } from 'vitest'
import {
  type ConfigMap,
  canaryKind,
  canaryRunKind,
  configMapKind,
  type Deployment,
  deploymentKind,
  type MetricTemplate,
  type Service,
  serviceKind,
} from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { simulatedNode } from '../support/simulated-node.ts'
import { stagedCanary, stagedDeployment } from '../support/staged-app.ts'
import type { CrashedApp, CrashHarness } from './crash-harness.ts'

/** Generous: dozens of releases share one control plane and a controller that is just being killed. */
export const WITHIN_MS = 300_000

export const web = ({ namespace }: Pick<CrashedApp, 'namespace'>) => ({ namespace, name: 'web' })

export async function create(stage: CrashHarness, app: CrashedApp, analysis: object = {}): Promise<void> {
  await createNamespace(stage, app)
  await createDeployment(stage, app)
  await createCanary(stage, app, analysis)
  await untilPhase(stage, app, 'Initialized')
  await app.turn
}

export const createNamespace = ({ plane }: CrashHarness, { namespace }: CrashedApp) =>
  plane.request('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } })

const deploymentOf = ({ namespace }: CrashedApp): Deployment => {
  const deployment = stagedDeployment({ podSpec: { nodeName: simulatedNode } }, namespace)
  return { ...deployment, spec: { ...deployment.spec, replicas: 1 } }
}

export const createDeployment = ({ client }: CrashHarness, app: CrashedApp) =>
  client.create(deploymentKind, deploymentOf(app))

export const createCanary = (
  { client }: CrashHarness,
  { namespace }: CrashedApp,
  analysis: object = {},
  spec: object = {},
) => {
  const metrics = [{ name: 'request-success-rate', thresholdRange: { min: 99 } }]
  return client.create(
    canaryKind,
    stagedCanary({ namespace, analysis: { interval: '1s', metrics, ...analysis }, spec: { ...spec } }),
  )
}

export async function setImage({ client }: CrashHarness, app: CrashedApp, version: string): Promise<void> {
  const spec = { template: { spec: { containers: [{ name: 'web', image: `demo/web:${version}` }] } } }
  await client.patch(deploymentKind, web(app), { spec }, { type: 'strategic' })
}

export const untilRouted = (app: CrashedApp, share: string) =>
  eventually(() => expect(app.routes.at(-1)).toBe(share), { within: WITHIN_MS, what: `${app.namespace}: ${share}` })

export const untilPhase = (stage: CrashHarness, app: CrashedApp, phase: string) =>
  eventually(
    () => {
      const { status } = stage.canaries.get(web(app)) ?? {}
      expect(status?.phase, status?.message).toBe(phase)
    },
    { within: WITHIN_MS, every: 100, what: `${app.namespace}: ${phase}` },
  )

/** Also what a pass does after it has recorded the phase. */
export async function untilEnded(stage: CrashHarness, app: CrashedApp, phase: string): Promise<void> {
  await untilPhase(stage, app, phase)
  await eventually(() => expect(stage.deployments.get(web(app))?.spec.replicas).toBe(0), { within: WITHIN_MS })
}

export async function workloadsOf(
  { client }: CrashHarness,
  { namespace }: CrashedApp,
): Promise<Readonly<Record<string, string>>> {
  const { items } = await client.list(deploymentKind, { namespace })
  return Object.fromEntries(
    items.map(({ metadata, spec }) => [metadata.name, `${spec.template.spec.containers[0]?.image} x${spec.replicas}`]),
  )
}

export async function runsOf({ client }: CrashHarness, { namespace }: CrashedApp): Promise<readonly string[]> {
  const { items } = await client.list(canaryRunKind, { namespace })
  return items.map(({ metadata, status }) => `${metadata.name} ${status?.phase}`)
}

type Kind = Parameters<CrashHarness['client']['list']>[0]

export async function untilLeft(
  { client }: CrashHarness,
  { namespace }: CrashedApp,
  kinds: readonly Kind[],
  expected: readonly (readonly string[])[],
): Promise<void> {
  const namesOf = async (kind: Kind) =>
    (await client.list(kind, { namespace })).items.map(({ metadata }) => metadata.name)
  const left = async () => expect(await Promise.all(kinds.map(namesOf))).toEqual(expected)
  await eventually(left, { within: WITHIN_MS, every: 500, what: `${namespace}: what is left` })
}

/** One of two Deployments that a Service may lead to: nobody scales them. */
export function versionNamed(app: CrashedApp, name: string): Deployment {
  const { spec, ...rest } = deploymentOf(app)
  const labels = { app: name }
  const template = { ...spec.template, metadata: { labels } }
  return {
    ...rest,
    metadata: { name, namespace: app.namespace, labels },
    spec: { ...spec, selector: { matchLabels: labels }, template },
  }
}

export const selecting = ({ namespace }: CrashedApp, app: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace },
  spec: { selector: { app }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
})

export const select = ({ client }: CrashHarness, app: CrashedApp, version: string) =>
  client.patch(serviceKind, web(app), { spec: { selector: { app: version } } }, { type: 'merge' })

export const unaskedTemplate = ({ namespace }: CrashedApp): MetricTemplate => ({
  apiVersion: 'sluice.dev/v1',
  kind: 'MetricTemplate',
  metadata: { name: 'success', namespace },
  spec: { provider: { type: 'prometheus', address: 'http://127.0.0.1:9' }, query: 'up' },
})

export const settings = ({ namespace }: CrashedApp, color: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'web-settings', namespace },
  data: { color },
})

/** Its pods read the settings. */
export function reading(app: CrashedApp): Deployment {
  const { spec, ...rest } = deploymentOf(app)
  const volumes = [{ name: 'settings', configMap: { name: 'web-settings' } }]
  const template = { ...spec.template, spec: { ...spec.template.spec, volumes } }
  return { ...rest, spec: { ...spec, template } }
}

/** What the one copy holds that is left, and whether the primary reads it. */
export async function copiedSettings({ client }: CrashHarness, { namespace }: CrashedApp) {
  const { items } = await client.list(configMapKind, { namespace })
  const copies = items.filter(({ immutable }) => immutable)
  const primary = await client.get(deploymentKind, { namespace, name: 'web-primary' })
  const read = primary?.spec.template.spec.volumes?.[0]?.configMap?.name
  const [copy] = copies
  expect(copies.length).toBe(1)
  return { color: copy?.data?.color, isRead: copy?.metadata.name === read }
}
