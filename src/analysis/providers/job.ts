import { hashValue, parseDuration } from '../../base/index.ts'
import { messageOf } from '../../runtime/index.ts'
import type { JobState, WantedJob } from '../jobs.ts'
import type { Answer, MetricProvider, ProviderOptions, ProviderProblem } from '../provider.ts'
import { parseNumber } from './number-at.ts'

const DEFAULT_TIMEOUT_MS = 60_000
/** Leaves room for a hash in the 63 characters of a Job's name. */
const LONGEST_PREFIX = 40
const MAX_SHOWN_CHARACTERS = 200

/** A Job of Kubernetes, run once for each check. Its query is its spec as JSON. */
export function createJobProvider(options: ProviderOptions): MetricProvider {
  return {
    async newest(query) {
      const { jobs, check } = options
      if (jobs === undefined || check === undefined) return problem('query-error', 'Jobs can not be run here')
      const job = renderJob(options, check, query)
      try {
        return readState(options, job, await jobs.run(job))
      } catch (error) {
        return problem('provider-down', `the Job ${job.name} could not be run: ${messageOf(error)}`)
      }
    },
  }
}

function renderJob(
  { provider }: ProviderOptions,
  check: NonNullable<ProviderOptions['check']>,
  query: string,
): WantedJob {
  const timeout = parseDuration(provider.job?.timeout ?? '')
  const { namespace, run, metric, id } = check
  const name = run?.name ?? metric
  return {
    namespace,
    name: `${name.slice(0, LONGEST_PREFIX)}-${hashValue([name, metric, id])}`,
    of: { run: name, metric },
    owner: run,
    spec: JSON.parse(query) as WantedJob['spec'],
    timeoutMs: timeout.ok ? timeout.value : DEFAULT_TIMEOUT_MS,
  }
}

function readState({ provider }: ProviderOptions, { name, timeoutMs }: WantedJob, state: JobState): Answer {
  const counts = provider.job?.result !== 'number'
  switch (state.kind) {
    case 'running':
      return { ...problem('provider-down', `the Job ${name} is still running`), isPending: true }
    case 'refused':
      return problem('query-error', `the Job ${name} is refused: ${state.message}`)
    case 'timed-out':
      return problem('provider-down', `the Job ${name} did not finish within ${timeoutMs / 1_000}s`)
    case 'failed':
      return counts ? sample(0, describeFailure(name, state)) : problem('query-error', describeFailure(name, state))
    case 'succeeded':
      return counts ? sample(1) : readOutput(name, state.output)
    default:
      return state satisfies never
  }
}

function describeFailure(name: string, { exitCode, output }: Extract<JobState, { kind: 'failed' }>): string {
  const code = exitCode === undefined ? '' : ` with exit code ${exitCode}`
  const said = lastLine(output)
  return `the Job ${name} failed${code}${said === '' ? '' : `: ${said.slice(0, MAX_SHOWN_CHARACTERS)}`}`
}

function readOutput(name: string, output: string): Answer {
  const line = lastLine(output)
  if (line === '') return { kind: 'samples', samples: [], warnings: [`the Job ${name} left no termination message`] }
  const value = parseNumber(line)
  if (value !== undefined) return sample(value)
  const shown = line.slice(0, MAX_SHOWN_CHARACTERS)
  return problem('query-error', `the last line of the termination message of ${name} is no number: ${shown}`)
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? ''

const sample = (value: number, ...warnings: readonly string[]): Answer => ({
  kind: 'samples',
  samples: [{ labels: {}, value }],
  ...(warnings.length === 0 ? {} : { warnings }),
})

const problem = (kind: ProviderProblem['kind'], message: string): ProviderProblem => ({ kind, message })
