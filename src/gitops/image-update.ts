import type { Container, Deployment, ImagePolicy } from '../api/index.ts'
import { failure, type Result, success } from '../base/index.ts'
import { isSameRepository, parseImage, type Repository } from './image-reference.ts'

export interface ImageChange {
  readonly container: string
  readonly from: string
  readonly to: string
}

export interface ImageUpdate {
  /** Empty when every container runs the tag. */
  readonly changes: readonly ImageChange[]
  /** JSON patch that tests what it replaces, so that it never touches a Deployment other than the one that was read. */
  readonly patch: readonly object[]
}

/** What must change for the target to run the tag; a failure names what the policy fits to nothing. */
export function planImageUpdate(
  deployment: Deployment,
  spec: ImagePolicy['spec'],
  chosen: { readonly repository: Repository; readonly tag: string },
): Result<ImageUpdate> {
  const { container } = spec.targetRef
  const indexed = deployment.spec.template.spec.containers.map((each, index) => ({ each, index }))
  const meant = indexed.filter(({ each }) =>
    container === undefined ? runs(each, chosen.repository) : each.name === container,
  )
  if (meant.length === 0) return failure(describeMiss(deployment, spec))
  const wanted = meant.map(({ each, index }) => ({ each, index, to: imageFor(each, spec, chosen) }))
  const differing = wanted.filter(({ each, to }) => each.image !== to)
  return success({
    changes: differing.map(({ each, to }) => ({ container: each.name, from: each.image, to })),
    patch: differing.flatMap(({ each, index, to }) => replaceImage(index, each, to)),
  })
}

function runs(container: Container, repository: Repository): boolean {
  const image = parseImage(container.image)
  return image !== undefined && isSameRepository(image.repository, repository)
}

/** Keeps the spelling of the Deployment: `web` and `docker.io/library/web` are one repository. */
function imageFor(
  container: Container,
  spec: ImagePolicy['spec'],
  { repository, tag }: { readonly repository: Repository; readonly tag: string },
): string {
  const image = parseImage(container.image)
  const isSame = image !== undefined && isSameRepository(image.repository, repository)
  return `${isSame ? image.text : spec.image}:${tag}`
}

function replaceImage(index: number, container: Container, to: string): readonly object[] {
  const path = `/spec/template/spec/containers/${index}`
  return [
    { op: 'test', path: `${path}/name`, value: container.name },
    { op: 'test', path: `${path}/image`, value: container.image },
    { op: 'replace', path: `${path}/image`, value: to },
  ]
}

function describeMiss(deployment: Deployment, spec: ImagePolicy['spec']): string {
  const target = `Deployment ${deployment.metadata.name}`
  return spec.targetRef.container === undefined
    ? `no container of ${target} runs an image of ${spec.image}; name one in spec.targetRef.container`
    : `${target} has no container ${spec.targetRef.container}; check spec.targetRef.container`
}
