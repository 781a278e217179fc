import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type {
  Mirror,
  NameMatch,
  Retries,
  Rewrite,
  Route,
  RouteMatch,
  RouteTable,
  TextMatch,
  VirtualHost,
} from '../model/index.ts'
import { renderAnswer } from './answer.ts'
import {
  type EnvoyRoute,
  type EnvoyRouteMatch,
  type HeaderMatcher,
  HeaderMatcherSchema,
  type MirrorPolicySchema,
  PreviousHostsPredicateSchema,
  PreviousPrioritiesConfigSchema,
  type QueryParameterMatcherSchema,
  type RetryPolicy,
  RetryPolicySchema,
  type RouteAction,
  RouteActionSchema,
  RouteConfigurationSchema,
  RouteMatchSchema,
  RouteSchema,
  VirtualHostSchema,
  VirtualHostTls,
} from './api.ts'
import { blackHoleCluster } from './cluster.ts'
import { corsFilterName, renderCors } from './cors.ts'
import { faultFilterName, renderFault } from './fault.ts'
import { renderHashKey } from './hash-key.ts'
import { renderHeaders } from './header-edits.ts'
import { ads, duration, encode, extension, fractionalPercent } from './messages.ts'
import { type EnvoyResource, virtualHostName } from './resource.ts'
import { stringMatcher } from './string-matcher.ts'

export function renderRouteTable(table: RouteTable): EnvoyResource {
  if (table.hostsOneByOne === true) return renderBareTable(table)
  const message = encode(RouteConfigurationSchema, {
    name: table.name,
    virtualHosts: table.virtualHosts.map(renderVirtualHost),
    ignorePortInHostMatching: table.ignorePortInHost,
    // A route may come before its cluster: 503 for the requests of that route, not a refused table.
    validateClusters: false,
  })
  return { type: 'routes', name: table.name, message, clusters: clustersOf(table.virtualHosts), needs: [] }
}

/** A virtual host of a table whose hosts come one by one. */
export function renderHostOf(table: string, host: VirtualHost): EnvoyResource {
  const name = virtualHostName(table, host.name)
  // Envoy finds what is removed by the name in the message.
  const message = encode(VirtualHostSchema, { ...renderVirtualHost(host), name })
  return { type: 'virtualHost', name, message, clusters: clustersOf([host]), needs: [] }
}

/** Says nothing but where its hosts are to be had. It waits for one that is always there: Envoy is told of no empty list. */
function renderBareTable({ name, virtualHosts, ignorePortInHost }: RouteTable): EnvoyResource {
  const message = encode(RouteConfigurationSchema, {
    name,
    vhds: { configSource: ads() },
    ignorePortInHostMatching: ignorePortInHost,
    validateClusters: false,
  })
  const catchAll = virtualHosts.filter(({ domains }) => domains.includes('*'))
  return {
    type: 'routes',
    name,
    message,
    clusters: [],
    needs: catchAll.map((host) => virtualHostName(name, host.name)),
  }
}

function clustersOf(hosts: readonly VirtualHost[]): readonly string[] {
  const routes = hosts.flatMap((host) => host.routes)
  const named = routes.flatMap((route) => [...route.clusters, ...(route.mirrors ?? [])])
  return [...new Set(named.map(({ cluster }) => cluster ?? blackHoleCluster))].sort()
}

const renderVirtualHost = (host: VirtualHost): MessageInitShape<typeof VirtualHostSchema> => ({
  name: host.name,
  domains: [...host.domains],
  routes: host.routes.map(renderRoute),
  includeRequestAttemptCount: true,
  ...(host.requiresTls === true ? { requireTls: VirtualHostTls.ALL } : {}),
})

const renderRoute = (route: Route): EnvoyRoute =>
  create(RouteSchema, {
    name: route.name,
    match: renderMatch(route.match),
    action: route.answer === undefined ? { case: 'route', value: renderAction(route) } : renderAnswer(route.answer),
    ...renderHeaders(route.headers),
    typedPerFilterConfig: {
      ...(route.fault === undefined ? {} : { [faultFilterName]: renderFault(route.fault) }),
      ...(route.cors === undefined ? {} : { [corsFilterName]: renderCors(route.cors) }),
    },
  })

function renderAction(route: Route): RouteAction {
  return create(RouteActionSchema, {
    clusterSpecifier: clusterSpecifier(route),
    // Envoy's own default of 15 s would cut slow answers.
    timeout: duration(route.timeoutMs ?? 0),
    ...(route.retries === undefined ? {} : { retryPolicy: renderRetries(route.retries) }),
    ...renderRewrite(route.rewrite),
    requestMirrorPolicies: (route.mirrors ?? []).map(renderMirror),
    hashPolicy: (route.hashKeys ?? []).map(renderHashKey),
  })
}

function clusterSpecifier({ clusters }: Route): RouteAction['clusterSpecifier'] {
  const [only, ...others] = clusters
  if (only !== undefined && only.headers === undefined && others.length === 0) {
    return { case: 'cluster', value: only.cluster ?? blackHoleCluster }
  }
  const weights = clusters.map(({ cluster, weight, headers }) => ({
    name: cluster ?? blackHoleCluster,
    weight,
    ...renderHeaders(headers),
  }))
  return create(RouteActionSchema, {
    clusterSpecifier: { case: 'weightedClusters', value: { clusters: weights } },
  }).clusterSpecifier
}

function renderRewrite({ path, authority }: Rewrite = {}) {
  return {
    ...(path?.kind === 'matched' ? { prefixRewrite: path.value } : {}),
    ...(path?.kind === 'regex'
      ? { regexRewrite: { pattern: { regex: path.pattern }, substitution: path.substitution } }
      : {}),
    ...(authority === undefined
      ? {}
      : { hostRewriteSpecifier: { case: 'hostRewriteLiteral' as const, value: authority } }),
  }
}

const renderMirror = ({ cluster, percent }: Mirror): MessageInitShape<typeof MirrorPolicySchema> => ({
  cluster: cluster ?? blackHoleCluster,
  runtimeFraction: { defaultValue: fractionalPercent(percent) },
  traceSampled: false,
  disableShadowHostSuffixAppend: true,
})

function renderRetries(retries: Retries): RetryPolicy {
  return create(RetryPolicySchema, {
    numRetries: retries.attempts,
    retryOn: retries.retryOn.join(','),
    retriableStatusCodes: [...retries.statusCodes],
    ...(retries.perTryTimeoutMs === undefined ? {} : { perTryTimeout: duration(retries.perTryTimeoutMs) }),
    ...(retries.backOffMs === undefined ? {} : { retryBackOff: { baseInterval: duration(retries.backOffMs) } }),
    ...(retries.mayAskSameHost === true ? {} : avoidPreviousHosts),
    ...(retries.remoteLocalities === true
      ? {
          // Two tries, then the next priority: Istio's number.
          retryPriority: extension('envoy.retry_priorities.previous_priorities', PreviousPrioritiesConfigSchema, {
            updateFrequency: 2,
          }),
        }
      : {}),
  })
}

const avoidPreviousHosts = {
  retryHostPredicate: [extension('envoy.retry_host_predicates.previous_hosts', PreviousHostsPredicateSchema, {})],
  hostSelectionRetryMaxAttempts: 5n,
}

function renderMatch(match: RouteMatch): EnvoyRouteMatch {
  return create(RouteMatchSchema, {
    pathSpecifier: pathSpecifier(match.path),
    ...(match.ignorePathCase === true ? { caseSensitive: false } : {}),
    headers: match.headers.map(renderHeader),
    queryParameters: match.queryParameters.map(
      ({ name, match: text }): MessageInitShape<typeof QueryParameterMatcherSchema> => ({
        name,
        queryParameterMatchSpecifier:
          text.kind === 'present'
            ? { case: 'presentMatch', value: true }
            : { case: 'stringMatch', value: stringMatcher(text) },
      }),
    ),
  })
}

function pathSpecifier(path: TextMatch | undefined): EnvoyRouteMatch['pathSpecifier'] {
  if (path === undefined || path.kind === 'present') return { case: 'prefix', value: '/' }
  if (path.kind === 'exact') return { case: 'path', value: path.value }
  if (path.kind === 'prefix') return { case: 'prefix', value: path.value }
  return create(RouteMatchSchema, { pathSpecifier: { case: 'safeRegex', value: { regex: path.value } } }).pathSpecifier
}

function renderHeader({ name, match, invert = false }: NameMatch): HeaderMatcher {
  if (match.kind === 'present') {
    return create(HeaderMatcherSchema, {
      name,
      invertMatch: invert,
      headerMatchSpecifier: { case: 'presentMatch', value: true },
    })
  }
  return create(HeaderMatcherSchema, {
    name,
    invertMatch: invert,
    // Without it a request that lacks the header would not pass "must not have this value".
    treatMissingHeaderAsEmpty: invert,
    headerMatchSpecifier: { case: 'stringMatch', value: stringMatcher(match) },
  })
}
