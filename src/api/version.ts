/** What tells versions apart: images as people name them, and the revision, which also knows of configuration. */
export interface Version {
  readonly images: readonly string[]
  readonly revision: string
}

/** `shop:1.5.0 (v1-3f2a)`: images without their registry. */
export const describeVersion = ({ images, revision }: Version): string =>
  images.length === 0 ? revision : `${images.map(shortImage).join(', ')} (${revision})`

/** `shop:1.4.2 -> shop:1.5.0 (v1-3f2a)`: the images that differ from those before. */
export function describeChange(before: readonly string[] | undefined, version: Version): string {
  const changed = version.images.flatMap((image, index) => {
    const former = before?.[index]
    return former === undefined || former === image ? [] : [`${shortImage(former)} -> ${shortImage(image)}`]
  })
  return changed.length === 0 ? describeVersion(version) : `${changed.join(', ')} (${version.revision})`
}

const DIGEST_LENGTH = 12

function shortImage(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1)
  const [, start, digest] = /^(.*@sha256:)([0-9a-f]+)$/.exec(name) ?? []
  return start === undefined || digest === undefined ? name : `${start}${digest.slice(0, DIGEST_LENGTH)}`
}
