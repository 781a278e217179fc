import { type Example, write } from './analysis-examples.ts'

const { deployment, entry, http, policy, service, sidecar, to, virtualService } = write

const portExamples: readonly Example[] = [
  {
    code: 'ProtocolMismatch',
    yaml: [
      ...[deployment(), service('web', '[{name: tcp-web, port: 80, targetPort: 8080}]'), http('timeout: 3s')],
      policy(
        'AuthorizationPolicy',
        '{selector: {matchLabels: {app: web}}, rules: [{to: [{operation: {methods: [GET]}}]}]}',
      ),
      policy('RequestAuthentication', '{selector: {matchLabels: {app: web}}, jwtRules: [{issuer: a}]}'),
      policy('AuthorizationPolicy', '{rules: [{from: [{source: {requestPrincipals: ["*"]}}]}]}', 'tokens'),
    ].join('\n---\n'),
    said: [
      'warning VirtualService shop/web spec.http: count for no port of web.shop.svc.cluster.local: all (80) are for TCP; name one http-..., or write spec.tcp',
      'warning AuthorizationPolicy shop/default spec.rules[0].to[0].operation.methods: asks for what only HTTP has, but web:80 is a port for TCP: the rule allows nothing there; name the port of the Service http-..., or ask for ports, principals, namespaces or addresses',
      'warning RequestAuthentication shop/default spec.jwtRules: no token is looked at: shop/web:80 is a port for TCP; name it http-..., or set appProtocol: http',
      'warning AuthorizationPolicy shop/tokens spec.rules[0].from[0].source.requestPrincipals: asks for what only HTTP has, but web:80 is a port for TCP: the rule allows nothing there; name the port of the Service http-..., or ask for ports, principals, namespaces or addresses',
    ],
  },
  {
    code: 'PortWithoutProtocol',
    yaml: service('web', '[{name: web, port: 80}, {port: 9090, appProtocol: grpc, name: b}]'),
    said: [
      'info Service shop/web spec.ports[0]: neither the name nor appProtocol says what port 80 speaks, so that it counts as HTTP/1.1; name it http-web, or grpc-..., http2-..., tcp-... for what speaks that',
    ],
  },
  {
    code: 'AddressesRequired',
    yaml: entry('{hosts: [db.example], ports: [{number: 5432, name: tcp, protocol: TCP}]}'),
    said: [
      'warning ServiceEntry shop/api spec.ports[0]: connections to db.example:5432 cannot be told from others of that port, for they name no host; write its addresses in spec.addresses',
    ],
  },
  {
    code: 'WrongPort',
    yaml: [
      ...[deployment(), service()],
      policy('PeerAuthentication', '{selector: {matchLabels: {app: web}}, portLevelMtls: {80: {mode: STRICT}}}'),
      policy('AuthorizationPolicy', '{rules: [{to: [{operation: {ports: ["8081"]}}]}]}'),
    ].join('\n---\n'),
    said: [
      'warning PeerAuthentication shop/default spec.portLevelMtls.80: is no port of the selected pods, so that nothing is met there; 80 is that of the Service web, which leads to 8080: write 8080',
      'warning AuthorizationPolicy shop/default spec.rules[0].to[0].operation.ports[0]: is no port of the selected pods, so that nothing is met there; they have 8080',
    ],
  },
]

const routeExamples: readonly Example[] = [
  {
    code: 'UnreachableRoute',
    yaml: [
      service(),
      virtualService(
        `{hosts: [web], http: [{match: [{uri: {prefix: /api}}], route: ${to}}, {match: [{uri: {exact: /api/a}}, {uri: {prefix: /api/b}, method: {exact: GET}}], route: ${to}}, {route: ${to}}, {match: [{uri: {prefix: /c}}], route: ${to}}]}`,
      ),
    ].join('\n---\n'),
    said: [
      'warning VirtualService shop/web spec.http[1]: never reached: spec.http[0].match[0] takes all that it asks for; move this rule before it, or delete it',
      'warning VirtualService shop/web spec.http[3]: never reached: spec.http[2] has no match and takes every request; move this rule before it, or delete it',
    ],
  },
  {
    code: 'IneffectiveMatch',
    yaml: [
      service(),
      virtualService(
        `{hosts: [web], http: [{match: [{uri: {prefix: /a}}, {uri: {prefix: /ab}}, {uri: {prefix: /c}, gateways: [public]}], route: ${to}}]}`,
      ),
    ].join('\n---\n'),
    said: [
      'warning VirtualService shop/web spec.http[0].match[1]: never asked: spec.http[0].match[0] takes all that it asks for; delete it or move it before',
      'warning VirtualService shop/web spec.http[0].match[2].gateways[0]: never true: spec.gateways does not name public; add it there',
    ],
  },
  {
    code: 'EmptyMatch',
    yaml: `${service()}\n---\n${http('match: [{}]')}`,
    said: [
      'warning VirtualService shop/web spec.http[0].match[0]: takes every request; leave match out if that is meant, or say what to match',
    ],
  },
  {
    code: 'IdleDestination',
    yaml: [
      ...[service(), service('other'), service('third')],
      virtualService(
        '{hosts: [web], http: [{route: [{destination: {host: web}, weight: 100}, {destination: {host: other}, weight: 0}, {destination: {host: third}}]}]}',
      ),
    ].join('\n---\n'),
    said: [
      'info VirtualService shop/web spec.http[0].route[1]: has the weight 0: no request goes there; give it a weight, or delete it unless something sets it later',
      'warning VirtualService shop/web spec.http[0].route[2]: has no weight beside others that have one, which counts as 0: no request goes there; give it a weight, or delete it unless something sets it later',
    ],
  },
  {
    code: 'IdleFault',
    yaml: `${service()}\n---\n${http('fault: {abort: {httpStatus: 500}}')}`,
    said: [
      'warning VirtualService shop/web spec.http[0].fault.abort: meets no request: write percentage: { value: 100 }, or another share',
    ],
  },
  {
    code: 'IdleRetries',
    yaml: `${service()}\n---\n${http('timeout: 3s, retries: {attempts: 3, perTryTimeout: 5s}')}`,
    said: [
      'warning VirtualService shop/web spec.http[0].retries.perTryTimeout: one try of 5s uses up the timeout of 3s, so that a slow one is never repeated; make it shorter',
    ],
  },
]

const policyExamples: readonly Example[] = [
  {
    code: 'SelectsNothing',
    yaml: [
      deployment(),
      policy('PeerAuthentication', '{selector: {matchLabels: {app: wed}}, mtls: {mode: STRICT}}'),
      sidecar('{workloadSelector: {labels: {app: wed}}}'),
    ].join('\n---\n'),
    said: [
      'warning PeerAuthentication shop/default spec.selector.matchLabels: selects none of the pods that were given (app=wed); the nearest, Deployment shop/web, has app=web',
      'warning Sidecar shop/default spec.workloadSelector.labels: selects none of the pods that were given (app=wed); the nearest, Deployment shop/web, has app=web',
    ],
  },
  {
    code: 'SelectsNothing',
    yaml: [
      ...[deployment(), service()],
      write.rule('{host: web, subsets: [{name: v1, labels: {version: v1}}]}'),
      entry('{hosts: [a.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: STATIC}'),
    ].join('\n---\n'),
    said: [
      'warning DestinationRule shop/web spec.subsets[0].labels: none of the pods behind web.shop.svc.cluster.local (Deployment shop/web) has version=v1, so that requests for this subset fail; label the pods of one version so',
      'warning ServiceEntry shop/api spec.resolution: resolution STATIC has no endpoint, so that every request fails; write endpoints or a workloadSelector',
    ],
  },
  {
    code: 'IdlePolicy',
    yaml: [
      policy('AuthorizationPolicy', '{action: DENY}'),
      policy('PeerAuthentication', '{mtls: {}}'),
      policy('RequestAuthentication', '{}'),
    ].join('\n---\n'),
    said: [
      'warning AuthorizationPolicy shop/default spec.rules: has no rule, so that nothing is met; write rules, or rules: [{}] for every request',
      'warning PeerAuthentication shop/default spec.mtls: says nothing, so that the mode of what is around it counts; write mtls: { mode: STRICT }, PERMISSIVE or DISABLE',
      'warning RequestAuthentication shop/default spec.jwtRules: has no rule, so that no token is looked at; write jwtRules',
    ],
  },
  {
    code: 'DeniesEverything',
    yaml: policy('AuthorizationPolicy', '{}'),
    said: [
      'info AuthorizationPolicy shop/default spec: allows nothing, so that every request to what it selects is refused; write rules: [{}] to allow all',
    ],
  },
  {
    code: 'TokenNotRequired',
    yaml: policy('RequestAuthentication', '{jwtRules: [{issuer: a}]}'),
    said: [
      'info RequestAuthentication shop/default spec.jwtRules: requests without a token pass; to require one, write an AuthorizationPolicy with from.source.requestPrincipals: ["*"]',
    ],
  },
  {
    code: 'PrincipalForm',
    yaml: policy(
      'AuthorizationPolicy',
      '{rules: [{from: [{source: {principals: ["spiffe://cluster.local/ns/a/sa/b", web, "*/sa/b"]}}]}]}',
    ),
    said: [
      'warning AuthorizationPolicy shop/default spec.rules[0].from[0].source.principals[0]: is never equal: principals have no scheme; write cluster.local/ns/a/sa/b',
      'warning AuthorizationPolicy shop/default spec.rules[0].from[0].source.principals[1]: is never equal: a principal is TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT, such as cluster.local/ns/shop/sa/web',
    ],
  },
]

const podExamples: readonly Example[] = [
  {
    code: 'NotInjected',
    yaml: `{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n---\n${deployment()}`,
    said: [
      'info Namespace default/shop metadata.labels: its pods get no sidecar, so that routes and policies do not count for them; label it istio-injection=enabled (or =disabled, if that is meant)',
    ],
  },
  {
    code: 'ProxyUser',
    yaml: deployment(
      '{metadata: {labels: {app: web}}, spec: {securityContext: {runAsUser: 1337}, containers: [{name: web}]}}',
    ),
    said: [
      'warning Deployment shop/web spec.template.spec.securityContext.runAsUser: is the user of the proxy, whose connections are not intercepted: the program bypasses the mesh; take another',
    ],
  },
  {
    code: 'UnknownAnnotation',
    yaml: deployment('{metadata: {annotations: {sidecar.istio.io/proxyCpu: 100m}}, spec: {containers: []}}'),
    said: [
      'warning Deployment shop/web spec.template.metadata.annotations.sidecar.istio.io/proxyCpu: the mesh reads no such annotation; did you mean sidecar.istio.io/proxyCPU?',
    ],
  },
  {
    code: 'MisplacedAnnotation',
    yaml: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, annotations: {sidecar.istio.io/proxyCPU: 1}}, spec: {}}',
    said: [
      'warning Deployment shop/web metadata.annotations.sidecar.istio.io/proxyCPU: says nothing on a Deployment: write it on the pods (spec.template.metadata.annotations)',
    ],
  },
  {
    code: 'NotRead',
    yaml: '{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: web}}\n---\n{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, spec: {}}',
    said: [
      'info HTTPRoute default/web kind: not looked at, for this mesh does not read the Gateway API; write a Gateway and VirtualServices of Istio',
      'info IstioOperator default/ kind: not looked at, for it is of the installation and not of the mesh; `sluice install-values` makes values of the chart of it',
    ],
  },
]

export const advice: readonly Example[] = [...portExamples, ...routeExamples, ...policyExamples, ...podExamples]
