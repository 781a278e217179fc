import type { Condition, KubernetesObject, ResourceKind } from '../kubernetes/meta.ts'

/** Exactly one of the three; `{}` on a header means "present". */
export interface StringMatch {
  readonly exact?: string
  readonly prefix?: string
  readonly regex?: string
}

export interface HttpMatchRequest {
  readonly name?: string | undefined
  readonly uri?: StringMatch | undefined
  readonly scheme?: StringMatch | undefined
  readonly method?: StringMatch | undefined
  readonly authority?: StringMatch | undefined
  readonly headers?: Readonly<Record<string, StringMatch>> | undefined
  readonly withoutHeaders?: Readonly<Record<string, StringMatch>> | undefined
  readonly queryParams?: Readonly<Record<string, StringMatch>> | undefined
  readonly port?: number | undefined
  readonly sourceLabels?: Readonly<Record<string, string>> | undefined
  readonly sourceNamespace?: string | undefined
  readonly gateways?: readonly string[] | undefined
  readonly ignoreUriCase?: boolean | undefined
}

export interface Destination {
  readonly host: string
  readonly subset?: string
  readonly port?: { readonly number: number }
}

export interface HttpRouteDestination {
  readonly destination: Destination
  readonly weight?: number
  readonly headers?: { readonly response?: { readonly add?: Readonly<Record<string, string>> } }
}

export interface HeaderEdits {
  readonly set?: Readonly<Record<string, string>> | undefined
  readonly add?: Readonly<Record<string, string>> | undefined
  readonly remove?: readonly string[] | undefined
}

export interface CorsPolicy {
  readonly allowOrigins?: readonly StringMatch[] | undefined
  readonly allowMethods?: readonly string[] | undefined
  readonly allowHeaders?: readonly string[] | undefined
  readonly exposeHeaders?: readonly string[] | undefined
  readonly maxAge?: string | undefined
  readonly allowCredentials?: boolean | undefined
  readonly unmatchedPreflights?: string
}

export interface HttpRoute {
  readonly name?: string
  readonly match?: readonly HttpMatchRequest[]
  readonly route?: readonly HttpRouteDestination[]
  readonly mirror?: Destination
  readonly mirrorPercentage?: { readonly value: number }
  /** In the place of mirror. */
  readonly mirrors?: readonly { readonly destination: Destination; readonly percentage?: { readonly value: number } }[]
  readonly rewrite?: {
    readonly uri?: string | undefined
    readonly authority?: string | undefined
    readonly uriRegexRewrite?: { readonly match: string; readonly rewrite: string }
  }
  readonly headers?: { readonly request?: HeaderEdits | undefined; readonly response?: HeaderEdits | undefined }
  readonly corsPolicy?: CorsPolicy
  readonly timeout?: string
  readonly retries?: { readonly attempts: number; readonly perTryTimeout?: string; readonly retryOn?: string }
}

export interface TcpRoute {
  readonly match?: readonly {
    readonly destinationSubnets?: readonly string[]
    readonly port?: number
    readonly sourceLabels?: Readonly<Record<string, string>>
    readonly sourceNamespace?: string
    readonly gateways?: readonly string[]
  }[]
  readonly route: readonly { readonly destination: Destination; readonly weight?: number }[]
}

/** What the mesh says of an object: Sluice's condition is `Programmed`. */
export interface NetworkingStatus {
  readonly observedGeneration?: number
  readonly conditions?: readonly Condition[]
}

export interface VirtualService extends KubernetesObject {
  readonly spec: {
    readonly hosts: readonly string[]
    /** Absent means the mesh only; the reserved word `mesh` beside gateway names (`ns/name` or `name`). */
    readonly gateways?: readonly string[]
    readonly http?: readonly HttpRoute[]
    readonly tcp?: readonly TcpRoute[]
    /** `.` is its own namespace, `*` every one; all when absent. */
    readonly exportTo?: readonly string[]
  }
  readonly status?: NetworkingStatus
}

export interface DestinationRule extends KubernetesObject {
  readonly spec: {
    readonly host: string
    readonly subsets?: readonly {
      readonly name: string
      readonly labels?: Readonly<Record<string, string>>
      readonly trafficPolicy?: object
    }[]
    readonly trafficPolicy?: object
    readonly exportTo?: readonly string[]
    readonly workloadSelector?: { readonly matchLabels?: Readonly<Record<string, string>> }
  }
  readonly status?: NetworkingStatus
}

export interface Gateway extends KubernetesObject {
  readonly spec: {
    readonly selector?: Readonly<Record<string, string>>
    readonly servers: readonly {
      readonly port: { readonly number: number; readonly name: string; readonly protocol: string }
      readonly hosts: readonly string[]
    }[]
  }
  readonly status?: NetworkingStatus
}

export const networking = <T extends KubernetesObject>(kind: string, plural: string): ResourceKind<T> => ({
  group: 'networking.istio.io',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
})

/** Served as v1, v1beta1 and v1alpha3 with one schema; read as v1. */
export const virtualServiceKind = networking<VirtualService>('VirtualService', 'virtualservices')
export const destinationRuleKind = networking<DestinationRule>('DestinationRule', 'destinationrules')
export const gatewayKind = networking<Gateway>('Gateway', 'gateways')
