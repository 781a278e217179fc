import type { JobRunner, JobState, WantedJob } from '../analysis/index.ts'
import {
  apiVersionOf,
  canaryRunKind,
  type Job,
  jobKind,
  jobNameLabel,
  type OwnerReference,
  type Pod,
  podKind,
} from '../api/index.ts'
import { type KubeClient, KubeError } from '../kube/index.ts'
import type { Clock } from '../runtime/index.ts'

/** Job labels: which run and which metric it was made for. */
const runLabel = 'sluice.dev/run'
const metricLabel = 'sluice.dev/metric'

/** A controller that was away for longer runs a Job again whose result it has not read. */
const SECONDS_KEPT = 3_600
/** The Job controller ends a Job at its deadline; one that never began is not its affair. */
const GRACE_MS = 15_000
const LONGEST_LABEL = 63
const LONGEST_OUTPUT = 4_096

/** Runs the Jobs of templates in the namespace of the Canary. */
export function createJobRunner(
  client: Pick<KubeClient, 'get' | 'list' | 'create' | 'delete'>,
  clock: Pick<Clock, 'now'>,
): JobRunner {
  return {
    async run(wanted) {
      const { namespace, name } = wanted
      const known = await client.get(jobKind, { namespace, name })
      if (known !== undefined) return observe(client, known, clock.now() - wanted.timeoutMs - GRACE_MS)
      return begin(client, wanted)
    },
  }
}

type Client = Pick<KubeClient, 'list' | 'create' | 'delete'>

async function begin(client: Client, wanted: WantedJob): Promise<JobState> {
  try {
    await client.create(jobKind, renderJob(wanted))
  } catch (error) {
    const refused = error instanceof KubeError && error.retry === 'never' && error.reason !== 'AlreadyExists'
    if (refused) return { kind: 'refused', message: error.message }
    throw error
  }
  await removeFinished(client, wanted)
  return { kind: 'running' }
}

function renderJob({ namespace, name, of, owner, spec, timeoutMs }: WantedJob): Job {
  const { template, ...settings } = spec as Job['spec']
  const seconds = Math.ceil(timeoutMs / 1_000)
  const labels = { [runLabel]: labelValue(of.run), [metricLabel]: labelValue(of.metric) }
  return {
    apiVersion: apiVersionOf(jobKind),
    kind: jobKind.kind,
    metadata: { name, namespace, labels, ...(owner === undefined ? {} : { ownerReferences: [referenceTo(owner)] }) },
    spec: {
      // A measurement that fails is a result: it is not tried again unless the template says so.
      backoffLimit: 0,
      ttlSecondsAfterFinished: SECONDS_KEPT,
      ...settings,
      activeDeadlineSeconds: Math.min(settings.activeDeadlineSeconds ?? seconds, seconds),
      template: {
        ...template,
        metadata: { ...template?.metadata, labels: { ...template?.metadata?.labels, ...labels } },
        spec: { restartPolicy: 'Never', ...template?.spec },
      },
    },
  }
}

const referenceTo = ({ name, uid }: NonNullable<WantedJob['owner']>): OwnerReference => ({
  apiVersion: apiVersionOf(canaryRunKind),
  kind: canaryRunKind.kind,
  name,
  uid,
})

const labelValue = (text: string): string => text.slice(0, LONGEST_LABEL).replace(/[^A-Za-z0-9]+$/, '')

/** What earlier checks of the metric ran has been read; the newest stays for whoever wants its log. */
async function removeFinished(client: Client, { namespace, name, of }: WantedJob): Promise<void> {
  const labelSelector = `${runLabel}=${labelValue(of.run)},${metricLabel}=${labelValue(of.metric)}`
  const { items } = await client.list(jobKind, { namespace, labelSelector })
  for (const job of items) {
    if (job.metadata.name === name || endOf(job) === undefined) continue
    await client.delete(jobKind, { namespace, name: job.metadata.name }, { propagationPolicy: 'Background' })
  }
}

async function observe(client: Client, job: Job, bornBefore: number): Promise<JobState> {
  const end = endOf(job)
  if (end === undefined) {
    return Date.parse(job.metadata.creationTimestamp ?? '') < bornBefore ? { kind: 'timed-out' } : { kind: 'running' }
  }
  if (end.type === 'Failed' && end.reason === 'DeadlineExceeded') return { kind: 'timed-out' }
  const { namespace, name } = job.metadata
  const { items } = await client.list(podKind, { namespace, labelSelector: `${jobNameLabel}=${name}` })
  const { exitCode, output } = readPods(items, end.type === 'Complete')
  return end.type === 'Complete' ? { kind: 'succeeded', output } : { kind: 'failed', exitCode, output }
}

const endOf = ({ status }: Job) =>
  status?.conditions?.find(({ type, status: holds }) => (type === 'Complete' || type === 'Failed') && holds === 'True')

/** The newest pod that ended as its Job did speaks for it, by the first of its containers that left a message. */
function readPods(pods: readonly Pod[], isComplete: boolean) {
  const phase = isComplete ? 'Succeeded' : 'Failed'
  const [newest] = pods.filter(({ status }) => status?.phase === phase).sort(byAge)
  const ends = (newest?.status?.containerStatuses ?? []).flatMap(({ state }) => state?.terminated ?? [])
  const speaking = ends.find(({ exitCode, message }) => (exitCode === 0) === isComplete && message !== undefined)
  const failing = ends.find(({ exitCode }) => exitCode !== 0)
  return { exitCode: failing?.exitCode, output: (speaking?.message ?? '').slice(-LONGEST_OUTPUT) }
}

const byAge = (one: Pod, other: Pod): number =>
  (other.metadata.creationTimestamp ?? '') < (one.metadata.creationTimestamp ?? '') ? -1 : 1
