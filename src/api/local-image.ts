import { z } from 'zod'
import type { KubernetesObject, ResourceKind } from './kubernetes/meta.ts'
import { objectMetaSchema } from './schema.ts'

export const localImageSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: objectMetaSchema,
  spec: z
    .object({
      repository: z.string().min(1).max(512).describe('Image name without a tag.'),
      tagPattern: z.string().max(256).default('.*').describe('RE2 expression that the whole tag must match.'),
      argv: z
        .array(z.string().max(4096))
        .min(1)
        .max(256)
        .describe('Program and its arguments; {{ tag }} is filled in. No shell reads it.'),
      env: z
        .record(z.string().max(256), z.string().max(32768))
        .optional()
        .describe('Environment beside that of the pod; {{ tag }} is filled in.'),
      cwd: z.string().max(4096).optional().describe('Folder the program starts in.'),
    })
    .describe('Program that stands for an image on the local platform.'),
})

/** Cluster-scoped: an image has one meaning for all namespaces. */
export interface LocalImage extends KubernetesObject {
  readonly spec: z.output<typeof localImageSchema>['spec']
}

export const localImageKind: ResourceKind<LocalImage> = {
  group: 'local.sluice.dev',
  version: 'v1',
  kind: 'LocalImage',
  plural: 'localimages',
  namespaced: false,
}
