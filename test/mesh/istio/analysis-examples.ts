/** For each code the shortest objects that have it, and what is said of it: `severity object path: message`. */
export interface Example {
  readonly code: string
  readonly yaml: string
  readonly said: readonly string[]
}

const virtualService = (spec: string, name = 'web') =>
  `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: ${name}, namespace: shop}, spec: ${spec}}`
const rule = (spec: string, name = 'web') =>
  `{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: ${name}, namespace: shop}, spec: ${spec}}`
const gateway = (spec: string, name = 'public') =>
  `{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: ${name}, namespace: shop}, spec: ${spec}}`
const sidecar = (spec: string, name = 'default') =>
  `{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: ${name}, namespace: shop}, spec: ${spec}}`
const entry = (spec: string) =>
  `{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: api, namespace: shop}, spec: ${spec}}`
const database = (name: string) =>
  `{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: ${name}, namespace: shop}, spec: {hosts: [${name}.example], ports: [{number: 5432, name: tcp, protocol: TCP}], resolution: DNS}}`
const policy = (kind: string, spec: string, name = 'default') =>
  `{apiVersion: security.istio.io/v1, kind: ${kind}, metadata: {name: ${name}, namespace: shop}, spec: ${spec}}`
const service = (name = 'web', ports = '[{name: http, port: 80, targetPort: 8080}]', selector = '{app: web}') =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: shop}, spec: {selector: ${selector}, ports: ${ports}}}`
const deployment = (
  template = '{metadata: {labels: {app: web}}, spec: {containers: [{name: web, ports: [{containerPort: 8080}]}]}}',
) => `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {template: ${template}}}`

const to = '[{destination: {host: web}}]'
const http = (rest: string) => virtualService(`{hosts: [web], http: [{route: ${to}, ${rest}}]}`)
const server = (port: string, hosts: string, tls = '') => `{port: ${port}, hosts: ${hosts}${tls}}`
const plain = '{number: 80, name: http, protocol: HTTP}'
const secure = '{number: 443, name: https, protocol: HTTPS}'
const tls = ', tls: {mode: SIMPLE, credentialName: a}'

const schemaExamples: readonly Example[] = [
  {
    code: 'UnknownField',
    yaml: `${service()}\n---\n${http('timout: 3s')}`,
    said: ['error VirtualService shop/web spec.http[0].timout: there is no such field; did you mean timeout?'],
  },
  {
    code: 'UnsupportedField',
    yaml: `${service()}\n---\n${http('delegate: {}')}`,
    said: [
      'error VirtualService shop/web spec.http[0].delegate: this mesh does not support the field: write the rules of the other VirtualService here',
    ],
  },
  {
    code: 'MissingField',
    yaml: `${service()}\n---\n${virtualService('{http: [{route: [{destination: {host: web}}]}]}')}`,
    said: ['error VirtualService shop/web spec.hosts: must be given'],
  },
  {
    code: 'InvalidValue',
    yaml: policy('PeerAuthentication', '{mtls: {mode: strict}}'),
    said: [
      'error PeerAuthentication shop/default spec.mtls.mode: must be one of UNSET, DISABLE, PERMISSIVE, STRICT; did you mean STRICT?',
    ],
  },
  {
    code: 'InvalidRegex',
    yaml: `${service()}\n---\n${http('match: [{uri: {regex: "*"}}]')}`,
    said: [
      'error VirtualService shop/web spec.http[0].match[0].uri.regex: must be an RE2 expression: missing argument to repetition operator: `*`',
    ],
  },
  {
    code: 'ZeroWeights',
    yaml: `${service()}\n---\n${virtualService(
      '{hosts: [web], http: [{route: [{destination: {host: web}, weight: 0}, {destination: {host: web}, weight: 0}]}]}',
    )}`,
    said: [
      'error VirtualService shop/web spec.http[0].route: the weights of several destinations must sum to more than 0',
    ],
  },
  {
    code: 'UnknownVersion',
    yaml: '{apiVersion: security.istio.io/v2, kind: PeerAuthentication, metadata: {name: a}, spec: {mtls: {mode: STRICT}}}',
    said: [
      'error PeerAuthentication default/a apiVersion: must be one of security.istio.io/v1, security.istio.io/v1beta1 for a PeerAuthentication',
    ],
  },
  {
    code: 'UnsupportedKind',
    yaml: '{apiVersion: networking.istio.io/v1, kind: VirtualServce, metadata: {name: a}, spec: {}}',
    said: [
      'error VirtualServce default/a kind: this mesh carries out nothing of the kind VirtualServce: did you mean VirtualService?',
    ],
  },
]

const conflictExamples: readonly Example[] = [
  {
    code: 'DuplicateObject',
    yaml: `${service()}\n---\n${service()}`,
    said: [
      'error Service shop/web metadata.name: is given twice: applied together, the last one replaces the others; rename or delete one',
    ],
  },
  {
    code: 'DuplicateName',
    yaml: `${service()}\n---\n${rule('{host: web, subsets: [{name: v1}, {name: v1}]}')}\n---\n${virtualService(
      `{hosts: [web], http: [{name: a, match: [{uri: {exact: /}}], route: ${to}}, {name: a, route: ${to}}]}`,
    )}`,
    said: [
      'warning DestinationRule shop/web spec.subsets[1].name: spec.subsets[0] has the name "v1", too, and counts; rename or delete this one',
      'warning VirtualService shop/web spec.http[1].name: spec.http[0] has the name "a", too; access logs cannot tell the two apart: rename one',
    ],
  },
  {
    code: 'HostConflict',
    yaml: `${service()}\n---\n${http('timeout: 3s')}\n---\n${virtualService(
      `{hosts: [web.shop.svc.cluster.local], http: [{route: ${to}}]}`,
      'again',
    )}`,
    said: [
      'error VirtualService shop/again spec.hosts[0]: web.shop.svc.cluster.local is routed by the VirtualService shop/web already; merge the two or delete one',
    ],
  },
  {
    code: 'SidecarConflict',
    yaml: [
      ...[sidecar('{}'), sidecar('{}', 'other')],
      ...[
        sidecar('{workloadSelector: {labels: {app: web}}}', 'a'),
        sidecar('{workloadSelector: {labels: {app: web}}}', 'b'),
      ],
    ].join('\n---\n'),
    said: [
      'error Sidecar shop/other spec: default is a Sidecar for all workloads of the namespace already; give one a workloadSelector',
      'error Sidecar shop/b spec.workloadSelector.labels: the Sidecar a selects the same workloads, and only the older one counts; merge the two',
    ],
  },
  {
    code: 'GatewayConflict',
    yaml: [
      gateway(`{selector: {istio: gateway}, servers: [${server(secure, '[a.example]', tls)}]}`),
      gateway(`{selector: {istio: gateway}, servers: [${server(secure, '["*/a.example"]', tls)}]}`, 'again'),
      gateway(
        `{selector: {istio: gateway}, servers: [${server('{number: 443, name: http, protocol: HTTP}', '["*"]')}]}`,
        'other',
      ),
    ].join('\n---\n'),
    said: [
      'error Gateway shop/again spec.servers[0].hosts[0]: a.example is served on port 443 for spec.servers[0] of the Gateway shop/public already; take the host out of one of the two',
      'error Gateway shop/other spec.servers[0].port: port 443 is served as HTTPS for spec.servers[0] of the Gateway shop/public already, by the same proxy; take another port',
    ],
  },
  {
    code: 'PolicyConflict',
    yaml: [
      ...[service(), rule('{host: web, trafficPolicy: {}}'), rule('{host: web, trafficPolicy: {}}', 'again')],
      policy('PeerAuthentication', '{mtls: {mode: STRICT}}'),
      policy('PeerAuthentication', '{mtls: {mode: PERMISSIVE}}', 'again'),
    ].join('\n---\n'),
    said: [
      'warning DestinationRule shop/again spec.trafficPolicy: the DestinationRule shop/web has a trafficPolicy for web.shop.svc.cluster.local, too; only that of the older one counts: merge the two',
      'warning PeerAuthentication shop/again spec: the PeerAuthentication shop/default is for the whole namespace, too, and only the older one counts; merge the two or give one a selector',
    ],
  },
  {
    code: 'PortConflict',
    yaml: [
      ...[deployment(), service(), service('raw', '[{name: tcp, port: 80, targetPort: 8080}]')],
      ...[database('one'), database('two')],
      sidecar(
        '{egress: [{port: {number: 5432, name: db, protocol: TCP}, bind: 127.0.0.1, hosts: ["./*"]}, {hosts: ["*/*"]}]}',
      ),
    ].join('\n---\n'),
    said: [
      'warning Service shop/raw spec.ports[0]: leads to port 8080 of Deployment shop/web as tcp, the Service shop/web as http; only one of the two counts: say the same in both',
      'warning ServiceEntry shop/two spec.ports[0]: proxies do not see which host a connection to port 5432 is for, so that those to two.example go to one.example (ServiceEntry shop/one), which has the port as the older one; write spec.addresses for each',
      'warning Sidecar shop/default spec.egress[0].hosts: several hosts have port 5432 for TCP (one.example, two.example), and all connections go to one of them; name one',
    ],
  },
  {
    code: 'TlsConflict',
    yaml: [
      service(),
      policy('PeerAuthentication', '{mtls: {mode: STRICT}}'),
      rule('{host: web, trafficPolicy: {tls: {mode: DISABLE}}}'),
    ].join('\n---\n'),
    said: [
      "error DestinationRule shop/web spec.trafficPolicy.tls.mode: the PeerAuthentication shop/default lets web.shop.svc.cluster.local take the mesh's TLS only (STRICT), so that requests by mode DISABLE fail; write ISTIO_MUTUAL or leave tls out",
    ],
  },
]

const referenceExamples: readonly Example[] = [
  {
    code: 'HostNotFound',
    yaml: [
      service(),
      virtualService('{hosts: [web], http: [{route: [{destination: {host: wed}}], mirror: {host: other}}]}'),
      rule('{host: web.stop.svc.cluster.local}'),
    ].join('\n---\n'),
    said: [
      'error VirtualService shop/web spec.http[0].route[0].destination.host: there is no Service wed.shop.svc.cluster.local; did you mean web.shop.svc.cluster.local?',
      'warning VirtualService shop/web spec.http[0].mirror.host: there is no Service other.shop.svc.cluster.local in what was given; give its file, too, or write a ServiceEntry for a host outside',
      'error DestinationRule shop/web spec.host: there is no Service web.stop.svc.cluster.local; did you mean web.shop.svc.cluster.local?',
    ],
  },
  {
    code: 'HostNotFound',
    yaml: virtualService(`{hosts: [web], http: [{route: ${to}}]}`),
    said: [
      'info VirtualService shop/web spec.http[0].route[0].destination.host: no Service was given, so whether there is web.shop.svc.cluster.local was not looked at; give the files of the Services, too',
    ],
  },
  {
    code: 'PortNotFound',
    yaml: `${service()}\n---\n${virtualService('{hosts: [web], http: [{route: [{destination: {host: web, port: {number: 81}}}]}]}')}`,
    said: [
      'error VirtualService shop/web spec.http[0].route[0].destination.port.number: Service web.shop.svc.cluster.local has no port 81 (it has 80)',
    ],
  },
  {
    code: 'PortRequired',
    yaml: [
      service(),
      service('two', '[{name: http, port: 8080}, {name: grpc, port: 9090}]'),
      virtualService('{hosts: [web], http: [{route: [{destination: {host: two}}]}]}'),
    ].join('\n---\n'),
    said: [
      'error VirtualService shop/web spec.http[0].route[0].destination: Service two.shop.svc.cluster.local has several ports (8080, 9090) and none is 80, where requests come in: add port: { number: ... }',
    ],
  },
  {
    code: 'SubsetNotFound',
    yaml: [
      ...[service(), service('other'), rule('{host: web, subsets: [{name: stable}]}')],
      virtualService(
        '{hosts: [web], http: [{route: [{destination: {host: web, subset: stabel}}], mirror: {host: other, subset: v2}}]}',
      ),
    ].join('\n---\n'),
    said: [
      'error VirtualService shop/web spec.http[0].route[0].destination.subset: no DestinationRule in what was given gives web.shop.svc.cluster.local a subset "stabel"; did you mean stable?',
      'warning VirtualService shop/web spec.http[0].mirror.subset: no DestinationRule for other.shop.svc.cluster.local was given; without one that has a subset "v2" the route is refused',
    ],
  },
  {
    code: 'GatewayNotFound',
    yaml: [
      ...[service(), gateway(`{servers: [${server(plain, '["*"]')}]}`)],
      virtualService(`{hosts: [a.example], gateways: [publik, edge/gateway], http: [{route: ${to}}]}`),
    ].join('\n---\n'),
    said: [
      'error VirtualService shop/web spec.gateways[0]: there is no Gateway shop/publik; did you mean shop/public?',
      'warning VirtualService shop/web spec.gateways[1]: there is no Gateway edge/gateway in what was given; give its file, too (one of another namespace is written NAMESPACE/NAME)',
    ],
  },
  {
    code: 'NotBoundToGateway',
    yaml: [
      ...[service(), gateway(`{servers: [${server(plain, '[a.example]')}]}`)],
      virtualService(`{hosts: [a.example], http: [{route: ${to}}]}`),
    ].join('\n---\n'),
    said: [
      'error VirtualService shop/web spec.gateways: the Gateway shop/public serves a.example, but without spec.gateways the routes count for sidecars only: add gateways: [shop/public]',
    ],
  },
  {
    code: 'HostNotServed',
    yaml: [
      ...[service(), gateway(`{servers: [${server(plain, '[a.example]')}]}`)],
      virtualService(`{hosts: [a.example, b.example], gateways: [public], http: [{route: ${to}}]}`),
    ].join('\n---\n'),
    said: [
      'warning VirtualService shop/web spec.hosts[1]: the Gateway shop/public serves a.example only, so that no request for b.example is routed there; add it to the hosts of a server',
    ],
  },
]

export const examples: readonly Example[] = [...schemaExamples, ...conflictExamples, ...referenceExamples]

export const write = { deployment, entry, gateway, http, policy, rule, service, sidecar, to, virtualService }
