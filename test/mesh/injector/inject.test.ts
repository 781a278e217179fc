import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import {
  createInjectionReview,
  injectionSettingsSchema,
  injectPod,
  valuesOfOperator,
} from '../../../src/mesh/injector/index.ts'
import { envoyPath } from '../../support/envoy.ts'
import { argumentsOf, containerOf, injected, injectionSettings, plainPod, validate } from '../../support/injection.ts'

describe('an injected pod', () => {
  const pod = injected(plainPod())

  test('has the rules first, then the proxy, which runs beside the programs, then what it had', () => {
    const inits = injected(plainPod({ spec: { initContainers: [{ name: 'migrate', image: 'db:1' }] } }))
    expect(
      inits.spec.initContainers.map(({ name, restartPolicy }: { name: string; restartPolicy?: string }) => [
        name,
        restartPolicy,
      ]),
    ).toEqual([
      ['istio-init', undefined],
      ['istio-proxy', 'Always'],
      ['migrate', undefined],
    ])
    expect(pod.spec.containers.map(({ name }: { name: string }) => name)).toEqual(['web', 'rpc'])
  })

  test('has a sidecar with two workers, the usual resources, and no rights', () => {
    const proxy = containerOf(pod, 'istio-proxy')
    expect(proxy.args.slice(-2)).toEqual(['--concurrency', '2'])
    expect(proxy.resources).toEqual({
      requests: { cpu: '100m', memory: '128Mi' },
      limits: { cpu: '500m', memory: '256Mi' },
    })
    expect(proxy.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: 1337,
      runAsNonRoot: true,
      runAsUser: 1337,
    })
  })

  test('proves itself by a token that is made for the mesh and replaced', () => {
    const { projected } = pod.spec.volumes.find(({ name }: { name: string }) => name === 'sluice-credentials')
    expect(projected.sources.slice(0, 2)).toEqual([
      { serviceAccountToken: { audience: 'sluice-mesh', expirationSeconds: 3600, path: 'token' } },
      { configMap: { name: 'istio-ca-root-cert', items: [{ key: 'root-cert.pem', path: 'root-cert.pem' }] } },
    ])
  })

  test('says who it is in Istio’s labels, its own words first', () => {
    const labels = { 'service.istio.io/canonical-name': 'shopfront' }
    expect(pod.metadata.labels).toEqual({
      ...plainPod().metadata.labels,
      'sidecar.istio.io/inject': 'true',
      'security.istio.io/tlsMode': 'istio',
      'service.istio.io/canonical-name': 'web',
      'service.istio.io/canonical-revision': 'v1',
    })
    expect(injected(plainPod({ labels })).metadata.labels).toMatchObject(labels)
  })

  test('is probed through its sidecar', () => {
    const [web, rpc] = ['web', 'rpc'].map((name) => containerOf(pod, name))
    const asked = (path: string) => ({ path, port: 15_020, scheme: 'HTTP' })
    expect({ ...web.readinessProbe }).toEqual({
      httpGet: { ...asked('/app-health/web/readyz'), httpHeaders: [{ name: 'a', value: 'b' }] },
      periodSeconds: 5,
    })
    expect(web.livenessProbe).toEqual({ httpGet: asked('/app-health/web/livez'), periodSeconds: 1, timeoutSeconds: 3 })
    expect(web.startupProbe).toEqual({ exec: { command: ['true'] } })
    expect(web.lifecycle).toEqual({ preStop: { httpGet: asked('/app-health/web/prestopz') } })
    expect(rpc.livenessProbe).toEqual({ httpGet: asked('/app-health/rpc/livez') })
  })

  test('waits before its programs are told to end, but for those with a hook of their own', () => {
    const sleep = (config: Record<string, string>, grace?: number) => {
      const spec = {
        ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }),
        containers: [{ name: 'web', image: 'web:1', lifecycle: { postStart: { exec: { command: ['true'] } } } }],
      }
      const waiting = injected(plainPod({ annotations: config, spec }))
      expect(injectPod(waiting, injectionSettings)).toEqual({ kind: 'injected', pod: waiting })
      const { postStart, ...hooks } = containerOf(waiting, 'web').lifecycle
      expect(postStart).toEqual({ exec: { command: ['true'] } })
      return hooks
    }
    const drainFor = (duration: string) => ({ 'proxy.istio.io/config': `terminationDrainDuration: ${duration}` })
    expect(sleep({})).toEqual({ preStop: { sleep: { seconds: 5 } } })
    expect(sleep({}, 3)).toEqual({ preStop: { sleep: { seconds: 2 } } })
    expect(sleep(drainFor('12.5s'))).toEqual({ preStop: { sleep: { seconds: 13 } } })
    expect(sleep(drainFor('0s'))).toEqual({})
    expect(containerOf(pod, 'web').lifecycle.preStop.sleep).toBeUndefined()
  })

  test('is injected a second time without a change, and with what others added meanwhile', () => {
    expect(injectPod(pod, injectionSettings)).toEqual({ kind: 'injected', pod })
    const later = { name: 'late', image: 'late:1', readinessProbe: { httpGet: { path: '/', port: 7000 } } }
    const grown = { ...pod, spec: { ...pod.spec, containers: [...pod.spec.containers, later] } }
    const again = injected(grown)
    expect(containerOf(again, 'late').readinessProbe.httpGet.path).toBe('/app-health/late/readyz')
    expect(again).toEqual(
      injected({ ...plainPod(), spec: { ...plainPod().spec, containers: [...plainPod().spec.containers, later] } }),
    )
  })
})

describe('Envoy takes what a sidecar starts with', () => {
  test.each([
    ['probes of every kind', plainPod()],
    ['no probe', plainPod({ spec: { containers: [{ name: 'web', image: 'web:1' }] } })],
  ])('%s', async (_, pod) => {
    expect(await validate(await envoyPath(), injected(pod))).toMatch(/configuration .* OK/)
  })

  test('the pod’s words are in place, and a dollar of a probe is still one', () => {
    const args = argumentsOf(injected(plainPod()), { POD_IP: '10.1.2.3', POD_NAME: 'web-1', POD_NAMESPACE: 'shop' })
    const bootstrap = JSON.parse(args[1] ?? '')
    expect(bootstrap.node).toEqual({ id: 'sidecar~10.1.2.3~web-1.shop~shop.svc.cluster.local', cluster: 'web.shop' })
    expect(args[1]).toContain('"prefixRewrite":"/healthz?full=$(HOME)"')
  })
})

describe('what a pod says of its sidecar', () => {
  const annotated = (annotations: Record<string, string>) => plainPod({ annotations })

  test('resources and workers', () => {
    const pod = injected(
      annotated({
        'sidecar.istio.io/proxyCPU': '250m',
        'sidecar.istio.io/proxyMemoryLimit': '1Gi',
        'proxy.istio.io/config': 'concurrency: 4\n',
        'sidecar.istio.io/proxyImage': 'envoy:other',
      }),
    )
    const { resources, args, image } = containerOf(pod, 'istio-proxy')
    expect([resources, args.slice(-2), image]).toEqual([
      { requests: { cpu: '250m' }, limits: { memory: '1Gi' } },
      ['--concurrency', '4'],
      'envoy:other',
    ])
  })

  test('one worker for each core', () => {
    const { args } = containerOf(injected(annotated({ 'proxy.istio.io/config': 'concurrency: 0' })), 'istio-proxy')
    expect(args).not.toContain('--concurrency')
  })

  test('what goes past the sidecar', () => {
    const pod = injected(
      annotated({
        'traffic.sidecar.istio.io/excludeInboundPorts': '9090, 9091',
        'traffic.sidecar.istio.io/excludeOutboundPorts': '5432',
        'traffic.sidecar.istio.io/excludeOutboundIPRanges': '10.1.0.0/16,10.2.3.4/32',
        'traffic.sidecar.istio.io/includeOutboundIPRanges': '10.96.0.0/16',
      }),
    )
    const rules: string = pod.metadata.annotations['mesh.sluice.dev/interception-rules']
    const usual: string = injected(plainPod()).metadata.annotations['mesh.sluice.dev/interception-rules']
    const known = new Set(usual.split('\n'))
    expect(rules.split('\n').filter((line) => !known.has(line))).toEqual([
      '-A ISTIO_INBOUND -p tcp --dport 9090 -j RETURN',
      '-A ISTIO_INBOUND -p tcp --dport 9091 -j RETURN',
      '-A ISTIO_OUTPUT -p tcp --dport 5432 -j RETURN',
      '-A ISTIO_OUTPUT -d 10.1.0.0/16 -j RETURN',
      '-A ISTIO_OUTPUT -d 10.2.3.4/32 -j RETURN',
      '-A ISTIO_OUTPUT -d 10.96.0.0/16 -j ISTIO_REDIRECT',
    ])
  })

  test('probes that stay as they are', () => {
    const pod = injected(annotated({ 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' }))
    const [web, rpc] = plainPod().spec.containers
    expect(pod.spec.containers).toEqual([web, { ...rpc, lifecycle: { preStop: { sleep: { seconds: 5 } } } }])
  })

  test.each([
    [{ 'sidecar.istio.io/inject': 'false' }, {}, 'sidecar.istio.io/inject is "false"'],
    [{ 'inject.istio.io/templates': 'grpc-agent' }, {}, 'its gRPC library is its proxy'],
    [{}, { hostNetwork: true }, 'it shares the network of its node'],
  ])('%j, %j: it is left alone', (annotations, spec, reason) => {
    expect(injectPod(plainPod({ annotations, spec }), injectionSettings)).toEqual({ kind: 'left', reason })
  })

  test('the label counts before the annotation', () => {
    const both = plainPod({
      labels: { 'sidecar.istio.io/inject': 'true' },
      annotations: { 'sidecar.istio.io/inject': 'false' },
    })
    expect(injectPod(both, injectionSettings).kind).toBe('injected')
  })

  const clash = { containers: [{ name: 'istio-proxy', image: 'x' }] }
  test.each([
    [
      { 'sidecar.istio.io/proxyCPU': 'much' },
      {},
      'sidecar.istio.io/proxyCPU: must be a quantity such as 200m or 128Mi',
    ],
    [
      { 'proxy.istio.io/config': 'terminationDrainDuration: soon' },
      {},
      'proxy.istio.io/config: terminationDrainDuration: "soon" is not a duration such as "30s" or "1m30s"',
    ],
    [
      { 'proxy.istio.io/config': 'terminationDrainDuration: 30s' },
      {},
      'proxy.istio.io/config: terminationDrainDuration: must be less than spec.terminationGracePeriodSeconds, which is 30',
    ],
    [
      { 'proxy.istio.io/config': 'concurrency: -1' },
      {},
      'proxy.istio.io/config: must be YAML such as "concurrency: 4" or "terminationDrainDuration: 10s"',
    ],
    [
      { 'traffic.sidecar.istio.io/excludeInboundPorts': '9090,x' },
      {},
      'traffic.sidecar.istio.io/excludeInboundPorts: must be a list of ports such as 9090,9091',
    ],
    [
      { 'traffic.sidecar.istio.io/excludeOutboundIPRanges': '10.0.0.0/33' },
      {},
      'traffic.sidecar.istio.io/excludeOutboundIPRanges: must be a list of CIDR blocks such as 10.0.0.0/8',
    ],
    [
      { 'sidecar.istio.io/interceptionMode': 'TPROXY' },
      {},
      'sidecar.istio.io/interceptionMode: this mesh knows REDIRECT only',
    ],
    [{ 'inject.istio.io/templates': 'gateway' }, {}, 'inject.istio.io/templates: this mesh injects no gateway'],
    [{}, clash, "spec: a container is named istio-proxy, as the mesh's own is"],
    [
      {},
      { securityContext: { runAsUser: 1337 } },
      "spec: user and group 1337 are the proxy's: what others send as it would pass it by",
    ],
  ])('%j, %j: it is refused', (annotations, spec, problem) => {
    expect(injectPod(plainPod({ annotations, spec }), injectionSettings)).toEqual({
      kind: 'refused',
      problems: [problem],
    })
  })
})

describe('a review', () => {
  const ask = (object: unknown) =>
    createInjectionReview(injectionSettings)({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: { uid: 'u-1', object },
    })?.response

  test('is answered with a patch, with none where nothing changes, and refused with what is wrong', () => {
    expect(ask(plainPod())).toMatchObject({ uid: 'u-1', allowed: true, patchType: 'JSONPatch' })
    expect(ask(injected(plainPod()))).toEqual({ uid: 'u-1', allowed: true })
    expect(ask(plainPod({ annotations: { 'sidecar.istio.io/inject': 'false' } }))).toEqual({
      uid: 'u-1',
      allowed: true,
    })
    expect(ask(plainPod({ annotations: { 'sidecar.istio.io/proxyCPU': 'x' } }))).toMatchObject({
      allowed: false,
      status: {
        code: 422,
        message: expect.stringMatching(/^the sidecar cannot be injected: sidecar.istio.io.proxyCPU/),
      },
    })
    expect(ask({ kind: 'Pod' })).toBeUndefined()
  })
})

describe('an IstioOperator', () => {
  test('S04-8-operator: proxies start with two workers and the resources it names', async () => {
    const document = parse(await readFile(join(import.meta.dirname, '../acceptance/S04-8-operator.yaml'), 'utf8'))
    const values = valuesOfOperator(document)
    const injection = {
      concurrency: 2,
      resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
    }
    expect(values).toEqual({ ok: true, value: { mesh: { injection } } })
    const settings = injectionSettingsSchema.parse({ ...injectionSettings, ...injection, concurrency: 3 })
    expect(containerOf(injected(plainPod(), settings), 'istio-proxy')).toMatchObject({
      resources: injection.resources,
      args: expect.arrayContaining(['--concurrency', '3']),
    })
  })

  const operator = (spec: object) => ({ apiVersion: 'install.istio.io/v1alpha1', kind: 'IstioOperator', spec })
  test.each([
    [{}, { mesh: {} }],
    [{ profile: 'demo' }, { mesh: { accessLog: true, tracing: { sampling: 100 } } }],
    [
      { meshConfig: { accessLogFile: '', defaultConfig: { concurrency: 0, tracing: { sampling: 5 } } } },
      { mesh: { accessLog: false, tracing: { sampling: 5 }, injection: { concurrency: 0 } } },
    ],
  ])('%j', (spec, value) => {
    expect(valuesOfOperator(operator(spec))).toEqual({ ok: true, value })
  })

  test('what the chart has no place for is named', () => {
    const spec = { profile: 'ambient', components: {}, values: { global: { proxy: { privileged: true } } } }
    const read = valuesOfOperator(operator(spec))
    expect(read).toMatchObject({
      ok: false,
      error: expect.stringContaining('spec.components: this mesh does not support'),
    })
    expect(read).toMatchObject({ error: expect.stringContaining('spec.values.global.proxy.privileged') })
    expect(read).toMatchObject({ error: expect.stringContaining('spec.profile') })
    expect(valuesOfOperator({ kind: 'Pod' }).ok).toBe(false)
  })
})
