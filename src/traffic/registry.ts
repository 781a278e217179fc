import type { CanarySpec } from '../api/index.ts'
import type { Router } from './port.ts'
import { createIstioRouter, type IstioRouterOptions } from './routers/istio.ts'
import { createMeshRouter } from './routers/mesh.ts'

export type Provider = NonNullable<CanarySpec['provider']>

/** One line per data plane. */
const factories: Readonly<Record<Provider, (options: RouterOptions) => Router>> = {
  mesh: createMeshRouter,
  istio: createIstioRouter,
}

export type RouterOptions = IstioRouterOptions

export type Routers = Readonly<Record<Provider, Router>>

/** A router for each data plane, over the same local copies. */
export function createRouters(options: RouterOptions): Routers {
  return { mesh: factories.mesh(options), istio: factories.istio(options) }
}
