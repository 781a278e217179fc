import { mediaType, parseJson, parseObject } from '../http/body.ts'
import { type ApiRequest, type ApiResponse, json } from '../http/request.ts'
import { at, compact, isObject, type JsonObject, numberAt, objectAt, stringAt, withAt } from '../json.ts'
import { fieldsOfPath } from '../json-path.ts'
import type { ScalePaths } from '../kinds/resource.ts'
import { resourceVersionOf } from '../metadata.ts'
import { jsonPatch } from '../patch/json-patch.ts'
import { mergePatch } from '../patch/merge-patch.ts'
import type { NamedTarget, Platform } from '../platform.ts'
import { renderLabelSelector } from '../selectors.ts'
import { trackUpdate } from '../server-side-apply/track.ts'
import { invalid, invalidValue, methodNotAllowed, pathNotFound } from '../status-error.ts'
import { trackingOf } from './tracking.ts'
import { getStored, storeUpdate } from './update.ts'
import { writeOptions } from './write-options.ts'

/** The scale subresource: one number of replicas, whatever the kind calls it. */
export async function serveScale(platform: Platform, target: NamedTarget, request: ApiRequest): Promise<ApiResponse> {
  const paths = target.resource.scale
  if (paths === undefined) throw pathNotFound()
  const current = getStored(platform, target)
  const scale = toScale(current, paths)
  if (request.method === 'GET') return json(scale)
  if (request.method !== 'PUT' && request.method !== 'PATCH') throw methodNotAllowed()
  const body = await request.body()
  const wanted = request.method === 'PUT' ? parseObject(body, request.contentType) : patchScale(scale, body, request)
  return json(toScale(storeScale(platform, target, { wanted, request }), paths))
}

function patchScale(scale: JsonObject, body: Buffer, request: ApiRequest): JsonObject {
  const isList = mediaType(request.contentType) === 'application/json-patch+json'
  const patched = isList ? jsonPatch(scale, parseJson(body)) : mergePatch(scale, parseJson(body))
  return isObject(patched) ? patched : scale
}

function storeScale(
  platform: Platform,
  target: NamedTarget,
  { wanted, request }: { readonly wanted: JsonObject; readonly request: ApiRequest },
): JsonObject {
  const { resource } = target
  const current = getStored(platform, target)
  const replicas = numberAt(wanted, 'spec', 'replicas') ?? 0
  if (replicas < 0 || !Number.isInteger(replicas)) {
    const cause = invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0')
    throw invalid({ group: 'autoscaling', kind: 'Scale', name: target.name }, [cause])
  }
  const options = writeOptions(request)
  const specPath = fieldsOfPath(resource.scale?.specReplicasPath ?? '.spec.replicas')
  const version = resourceVersionOf(wanted)
  const next = withAt(current, specPath, replicas)
  return storeUpdate(
    platform,
    { ...target, subresource: '' },
    {
      wanted: version === undefined ? next : withAt(next, ['metadata', 'resourceVersion'], version),
      current,
      dryRun: options.dryRun,
      track: (complete) =>
        trackUpdate(
          current,
          complete,
          // Kubernetes writes no time for scale.
          {
            ...trackingOf(platform, resource, { options, operation: 'Update', subresource: 'scale' }),
            time: undefined,
          },
        ),
    },
  )
}

function toScale(object: JsonObject, paths: ScalePaths): JsonObject {
  const metadata = objectAt(object, 'metadata')
  const selector = at(object, ...fieldsOfPath(paths.labelSelectorPath ?? '.spec.selector'))
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: compact({
      name: metadata?.name,
      namespace: metadata?.namespace,
      uid: metadata?.uid,
      resourceVersion: metadata?.resourceVersion,
      creationTimestamp: metadata?.creationTimestamp,
    }),
    spec: { replicas: numberAt(object, ...fieldsOfPath(paths.specReplicasPath)) ?? 0 },
    status: compact({
      replicas: numberAt(object, ...fieldsOfPath(paths.statusReplicasPath)) ?? 0,
      selector: isObject(selector)
        ? renderLabelSelector(selector)
        : stringAt({ selector: selector ?? '' }, 'selector') || undefined,
    }),
  }
}
