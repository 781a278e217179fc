import { z } from 'zod'
import type { KubernetesObject, ResourceKind } from './kubernetes/meta.ts'
import { conditionsSchema, objectMetaSchema } from './schema.ts'

export const imagePolicySchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: objectMetaSchema,
  spec: z
    .object({
      image: z.string().min(1).max(512).describe('Repository without a tag, such as registry.example.com/team/web.'),
      semver: z
        .object({ range: z.string().min(1).max(256).describe('Range that a tag must satisfy, such as >=1.2 <2.') })
        .describe('Which tags count.'),
      schedule: z
        .string()
        .min(1)
        .max(100)
        .default('*/5 * * * *')
        .describe('When the registry is asked, as a cron line (seconds may lead).'),
      targetRef: z
        .object({
          kind: z.enum(['Deployment']).default('Deployment').describe('Kind of the workload.'),
          name: z.string().min(1).max(253).describe('Name of the workload, in the namespace of the policy.'),
          container: z
            .string()
            .max(63)
            .optional()
            .describe('Container whose image is set; all of the repository when absent.'),
        })
        .describe('Workload whose image is set.'),
      secretRef: z
        .object({ name: z.string().min(1).max(253).describe('Secret of type kubernetes.io/dockerconfigjson.') })
        .optional()
        .describe('Credentials of the registry.'),
      insecure: z.boolean().default(false).describe('Speak plain HTTP to the registry.'),
      suspend: z.boolean().default(false).describe('Stop asking.'),
    })
    .describe('Which image a workload should run.'),
  status: z
    .object({
      observedGeneration: z.int().optional().describe('Generation of the spec that this status speaks of.'),
      latestTag: z.string().optional().describe('Newest tag in the range.'),
      lastPollTime: z
        .string()
        .optional()
        .describe('Time the registry last answered, renewed once an hour while nothing changes.'),
      conditions: conditionsSchema.optional().describe('Ready (kstatus).'),
    })
    .optional()
    .describe('What was found.'),
})

export interface ImagePolicy extends KubernetesObject {
  readonly spec: z.output<typeof imagePolicySchema>['spec']
  readonly status?: NonNullable<z.output<typeof imagePolicySchema>['status']>
}

export const imagePolicyKind: ResourceKind<ImagePolicy> = {
  group: 'sluice.dev',
  version: 'v1',
  kind: 'ImagePolicy',
  plural: 'imagepolicies',
  namespaced: true,
}
