import { apiVersionOf, type Canary, type CanaryRun, canaryKind, canaryRunKind, serviceKind } from '../api/index.ts'
import type { Action } from '../canary/index.ts'
import type { KubeClient } from '../kube/index.ts'
import { ownerReferenceTo, placeBeside, serviceNamesOf } from '../traffic/index.ts'
import { applyPrimaryAutoscaler, autoscalerOf, pauseTarget } from './autoscaler/perform.ts'
import { createCopies, deleteCopies } from './config/copies.ts'
import { addFinalizer, removeFinalizer } from './finalizer.ts'
import { handOverObjects, releaseApex } from './give-back.ts'
import type { LocalCopies } from './local-copies.ts'
import type { Gathered } from './observe.ts'
import { copyService } from './service-target/perform.ts'
import { isServiceAsWanted, planServices, renderService, type ServicePlan } from './services.ts'
import { basisOf, confirmCanary, confirmFirst, confirmReadyPods, confirmRetreat, confirmTarget } from './staleness.ts'
import { renderAdopted } from './workload/adoption.ts'
import { type PrimarySource, promotePrimary, renderPrimary } from './workload/primary.ts'
import { selectorLabelOf } from './workload/selector-label.ts'
import { kindOf, overlayWorkload, scalePatch, serviceOf, type Workload, workloadOf } from './workload/workload.ts'

export interface PerformOptions {
  readonly client: KubeClient
  readonly copies: LocalCopies
}

type Performer<K extends Action['kind']> = (
  options: PerformOptions,
  gathered: Gathered,
  action: Extract<Action, { kind: K }>,
) => Promise<void>

/** Does one action. Each may be done again: what is there already stays as it is. */
export function perform(options: PerformOptions, gathered: Gathered, action: Action): Promise<void> {
  switch (action.kind) {
    case 'create-run':
      return createRun(options, gathered, action)
    case 'delete-run':
      return deleteRun(options, gathered, action)
    case 'create-primary':
      return createPrimary(options, gathered, action)
    case 'update-primary':
      return updatePrimary(options, gathered, action)
    case 'adopt-primary':
      return adoptPrimary(options, gathered, action)
    case 'apply-services':
      return applyServices(options, gathered, action)
    case 'route':
      return writeRoute(options, gathered, action)
    case 'scale-target':
      return scaleTarget(options, gathered, action)
    case 'clear-command':
      return clearCommand(options, gathered, action)
    case 'add-finalizer':
      return addFinalizer(options, gathered.observation.canary)
    case 'release-apex':
      return releaseApex(options, gathered)
    case 'release-route':
      return gathered.router.release(gathered.observation.canary)
    case 'apply-autoscaler':
      return applyPrimaryAutoscaler(autoscalerOf(options, gathered))
    case 'pause-autoscaler':
      return pauseTarget(autoscalerOf(options, gathered), action.paused)
    case 'delete-copies':
      return deleteCopies(options.client, gathered.surplusCopies)
    case 'hand-over':
      return handOverObjects(options, gathered)
    case 'remove-finalizer':
      return removeFinalizer(options, gathered.observation.canary)
    default:
      return action satisfies never
  }
}

const createRun: Performer<'create-run'> = async ({ client, copies }, { observation, target }, { run }) => {
  const { canary } = observation
  const { uid, generation } = target?.metadata ?? {}
  const object: CanaryRun = {
    apiVersion: apiVersionOf(canaryRunKind),
    kind: canaryRunKind.kind,
    metadata: { ...placeBeside(canary, run.name), ownerReferences: [ownerReferenceTo(canary)] },
    spec: {
      canary: canary.metadata.name,
      revision: run.revision,
      images: [...run.images],
      ...(run.previousImages === undefined ? {} : { previousImages: [...run.previousImages] }),
      startedAt: new Date(run.startedAt).toISOString(),
      ...(run.beginning === undefined ? {} : { beginning: run.beginning }),
      ...(uid === undefined || generation === undefined ? {} : { target: { uid, generation } }),
    },
  }
  if (copies.runs.get(object.metadata)) return
  copies.runs.overlay(await client.create(canaryRunKind, object))
}

const writeRoute: Performer<'route'> = async (options, gathered, { traffic }) => {
  const { canary } = gathered.observation
  await confirmReadyPods(options, gathered, traffic)
  await gathered.router.write(canary, traffic, basisOf(options.copies, canary))
}

const deleteRun: Performer<'delete-run'> = ({ client }, { observation }, { name }) =>
  client.delete(canaryRunKind, { namespace: observation.canary.metadata.namespace, name })

const createPrimary: Performer<'create-primary'> = async (options, gathered) => {
  if (gathered.target?.kind === serviceKind.kind) return promoteService(options, gathered)
  const source = await preparePrimary(options, gathered)
  if (source) await createWorkload(options, renderPrimary(source))
}

const updatePrimary: Performer<'update-primary'> = async (options, gathered) => {
  await confirmTarget(options, gathered)
  await confirmFirst(options, gathered)
  if (gathered.target?.kind === serviceKind.kind) return promoteService(options, gathered)
  const primary = workloadOf(gathered.primary)
  const source = await preparePrimary(options, gathered)
  if (source === undefined || primary === undefined) return
  const promoted = promotePrimary(primary, source)
  overlayWorkload(options.copies, await options.client.replace(kindOf(promoted), promoted))
}

const adoptPrimary: Performer<'adopt-primary'> = async (options, { observation, primary }) => {
  const { canary, primary: known } = observation
  const service = serviceOf(primary)
  if (service) return copyService(options, canary, service, service.metadata.name)
  const workload = workloadOf(primary)
  if (workload === undefined || known === undefined) return
  const adopted = renderAdopted(workload, canary, known.revision)
  overlayWorkload(options.copies, await options.client.replace(kindOf(adopted), adopted))
}

async function promoteService(options: PerformOptions, { observation, target }: Gathered): Promise<void> {
  const { canary } = observation
  const service = serviceOf(target)
  if (service) await copyService(options, canary, service, serviceNamesOf(canary).primary)
}

async function createWorkload({ client, copies }: PerformOptions, workload: Workload): Promise<void> {
  overlayWorkload(copies, await client.create(kindOf(workload), workload))
}

/** What the primary's pods read is there before they are. */
async function preparePrimary(
  { client, copies }: PerformOptions,
  { observation, configs, ...gathered }: Gathered,
): Promise<PrimarySource | undefined> {
  const target = workloadOf(gathered.target)
  const label = target && selectorLabelOf(target)
  if (target === undefined || label === undefined) return undefined
  await createCopies({ client, configs: copies.configs }, observation.canary, configs)
  return { canary: observation.canary, target, label, configs }
}

const applyServices: Performer<'apply-services'> = async (options, gathered, { withApex }) => {
  const { observation, target } = gathered
  const { canary } = observation
  if (withApex) await confirmRetreat(options, gathered)
  const service = serviceOf(target)
  if (service) return copyService(options, canary, service, serviceNamesOf(canary).canary)
  const workload = workloadOf(target)
  const plans = workload && planServices(canary, workload, workloadOf(gathered.primary))
  if (plans === undefined) return
  const { apex, backends } = plans
  for (const plan of withApex ? [...backends, apex] : backends) await applyService(options, canary, plan)
}

async function applyService(options: PerformOptions, canary: Canary, plan: ServicePlan): Promise<void> {
  const { client, copies } = options
  const existing = copies.services.get({ namespace: canary.metadata.namespace, name: plan.name })
  if (isServiceAsWanted(canary, plan, existing)) return
  if (existing) await confirmCanary(options, canary)
  const service = renderService(canary, plan, existing)
  const written = existing ? await client.replace(serviceKind, service) : await client.create(serviceKind, service)
  copies.services.overlay(written)
}

const scaleTarget: Performer<'scale-target'> = async ({ client, copies }, gathered, { replicas }) => {
  const target = workloadOf(gathered.target)
  const patch = target && scalePatch(target, replicas)
  if (target === undefined || patch === undefined) return
  const { namespace, name } = target.metadata
  overlayWorkload(copies, await client.patch(kindOf(target), { namespace, name }, patch, { type: 'merge' }))
}

const clearCommand: Performer<'clear-command'> = async ({ client, copies }, { observation }, { annotation }) => {
  const { namespace, name } = observation.canary.metadata
  const patch = { metadata: { annotations: { [annotation]: null } } }
  copies.canaries.overlay(await client.patch(canaryKind, { namespace, name }, patch, { type: 'merge' }))
}
