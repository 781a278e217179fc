import { debianSource } from './sources/debian.ts'
import { releaseArchiveSource } from './sources/release-archive.ts'
import type { Tool } from './tool.ts'

const VERSION = '2.54.1'

/** From the sha256sums.txt of the release. */
const ARCHIVES: Readonly<Record<string, { readonly suffix: string; readonly sha256: string }>> = {
  'linux-x64': {
    suffix: 'linux-amd64',
    sha256: '31715ef65e8a898d0f97c8c08c03b6b9afe485ac84e1698bcfec90fc6e62924f',
  },
  'linux-arm64': {
    suffix: 'linux-arm64',
    sha256: '3d9946ca730f2679bbd63e9d40e559a0ba227a638d237e723af1a99bd7098263',
  },
}

/** Prometheus for a platform such as `linux-x64`: any of the major versions 2 and 3 that is not too old. */
export const prometheusTool = (platform: string): Tool => toolOfRelease('prometheus', platform)

/** The program beside it that checks and tests its rules. */
export const promtoolTool = (platform: string): Tool => toolOfRelease('promtool', platform)

function toolOfRelease(name: 'prometheus' | 'promtool', platform: string): Tool {
  const archive = ARCHIVES[platform]
  const folder = `prometheus-${VERSION}.${archive?.suffix}`
  const release = archive && {
    url: `https://github.com/prometheus/prometheus/releases/download/v${VERSION}/${folder}.tar.gz`,
    sha256: archive.sha256,
    maxBytes: 250_000_000,
    entry: `${folder}/${name}`,
  }
  return {
    name,
    variable: `SLUICE_${name.toUpperCase()}`,
    cacheKey: `${name}-${platform}`,
    accepts: '>=2.40.0 <4',
    versionPattern: /(?:prometheus|promtool), version (\d+\.\d+\.\d+)/,
    sources: [
      ...(release === undefined ? [] : [releaseArchiveSource(release)]),
      debianSource({ package: 'prometheus', entry: `usr/bin/${name}` }),
    ],
  }
}
