import type { MetricTemplate } from '../../src/api/index.ts'
import { terminationMessage } from './simulated-node.ts'

interface JobTemplate {
  readonly namespace: string
  readonly name: 'exit' | 'number'
  /** Termination message. */
  readonly left: string
  readonly podSpec: object
}

/** Its pods end as the simulated node ends them. */
export const jobTemplate = ({ namespace, name, left, podSpec }: JobTemplate): MetricTemplate => ({
  apiVersion: 'sluice.dev/v1',
  kind: 'MetricTemplate',
  metadata: { name, namespace },
  spec: {
    query: '',
    provider: {
      type: 'job',
      job: {
        result: name === 'exit' ? 'exitStatus' : 'number',
        timeout: '60s',
        spec: {
          template: {
            metadata: { annotations: { [terminationMessage]: left } },
            spec: { ...podSpec, containers: [{ name: 'measure', image: 'test/measure:1' }] },
          },
        },
      },
    },
  },
})
