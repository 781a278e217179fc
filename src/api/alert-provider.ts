import { z } from 'zod'
import type { KubernetesObject, ResourceKind } from './kubernetes/meta.ts'
import { type Rule, withRules } from './rules.ts'
import { objectMetaSchema, webAddressSchema } from './schema.ts'

const alertProviderRules: readonly Rule<{ address?: string | undefined; secretRef?: object | undefined }>[] = [
  {
    cel: 'has(self.address) != has(self.secretRef)',
    message: 'exactly one of address and secretRef must be set',
    holds: ({ address, secretRef }) => (address === undefined) !== (secretRef === undefined),
  },
]

export const alertProviderSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: objectMetaSchema,
  spec: withRules(
    z.object({
      type: z.enum(['slack', 'webhook']).describe('Slack incoming webhook, or a POST of JSON.'),
      channel: z.string().max(80).optional().describe('Slack channel, where the webhook allows the choice.'),
      username: z.string().max(80).default('sluice').describe('Name the message is sent under.'),
      address: webAddressSchema.optional().describe('Address, where it is no secret.'),
      secretRef: z
        .object({ name: z.string().min(1).max(253).describe('Secret with the key `address`.') })
        .optional()
        .describe('Secret that holds the address.'),
    }),
    alertProviderRules,
  ).describe('Where notices are sent.'),
})

export interface AlertProvider extends KubernetesObject {
  readonly spec: z.output<typeof alertProviderSchema>['spec']
}

export const alertProviderKind: ResourceKind<AlertProvider> = {
  group: 'sluice.dev',
  version: 'v1',
  kind: 'AlertProvider',
  plural: 'alertproviders',
  namespaced: true,
}
