import { describe, expect, test } from 'vitest'
import { type EnvVar, publishedPort } from '../../../../src/api/index.ts'
import { type EnvironmentInput, renderEnvironment } from '../../../../src/local/node-agent/spec/environment.ts'
import { podOf, serviceOf } from '../../../support/workload-objects.ts'

const input = (change: Partial<EnvironmentInput> = {}): EnvironmentInput => ({
  pod: podOf('web-a', { labels: { app: 'web' } }),
  container: { name: 'web', image: 'web:1', ports: [{ containerPort: 80 }, { containerPort: 9090 }] },
  machine: { PATH: '/bin' },
  image: {},
  podIP: '127.70.1.1',
  host: '127.70.65.1',
  messageFile: '/data/pod/web/message',
  isMeshed: false,
  services: [],
  configMaps: new Map(),
  secrets: new Map(),
  ...change,
})

const published = (port: number) => String(publishedPort(port))

const own = {
  PATH: '/bin',
  HOSTNAME: 'web-a',
  HOST: '127.70.65.1',
  PORT: published(80),
  POD_IP: '127.70.1.1',
  POD_NAME: 'web-a',
  POD_NAMESPACE: 'test',
  TERMINATION_MESSAGE_PATH: '/data/pod/web/message',
}

describe('the environment', () => {
  test('names addresses, with ports below 1024 moved up', () => {
    expect(renderEnvironment(input())).toEqual({ ok: true, value: own })
  })

  test('leads to the Services of the namespace', () => {
    const services = [
      { service: serviceOf({ ports: [{ name: 'http', port: 80 }] }, 'my-web'), address: '127.70.160.1' },
      {
        service: serviceOf({ ports: [{ port: 5432 }, { name: 'admin-ui', port: 81 }] }, 'db'),
        address: '127.70.160.2',
      },
    ]
    expect(renderEnvironment(input({ services }))).toEqual({
      ok: true,
      value: {
        ...own,
        MY_WEB_SERVICE_HOST: '127.70.160.1',
        MY_WEB_SERVICE_PORT: published(80),
        MY_WEB_SERVICE_PORT_HTTP: published(80),
        DB_SERVICE_HOST: '127.70.160.2',
        DB_SERVICE_PORT: '5432',
        DB_SERVICE_PORT_ADMIN_UI: published(81),
      },
    })
  })

  test('of a meshed pod has the proxy, and goes past it for the block', () => {
    const services = [{ service: serviceOf({ ports: [] }), address: '127.70.160.1' }]
    const proxy = 'http://127.70.1.1:15080'
    const direct = 'localhost,127.0.0.1,127.0.0.0/8,127.70.0.1-127.70.255.254,127.70.160.1'
    expect(renderEnvironment(input({ isMeshed: true, services }))).toEqual({
      ok: true,
      value: { ...own, HTTP_PROXY: proxy, http_proxy: proxy, NO_PROXY: direct, no_proxy: direct },
    })
  })

  const withEnv = (env: readonly EnvVar[], change: Partial<EnvironmentInput> = {}) =>
    renderEnvironment(input({ ...change, container: { name: 'web', image: 'web:1', env } }))

  const { PORT: _, ...withoutPort } = own

  test("the container's words win over the image's and the platform's, and may use earlier ones", () => {
    const env = [
      { name: 'HOST', value: '127.0.0.1' },
      { name: 'URL', value: 'http://$(HOST)$(NOBODY)/$$(HOST)' },
    ]
    expect(withEnv(env, { image: { HOST: 'image', VERSION: '1' } })).toEqual({
      ok: true,
      value: { ...withoutPort, VERSION: '1', HOST: '127.0.0.1', URL: 'http://127.0.0.1$(NOBODY)/$(HOST)' },
    })
  })

  test('takes values from fields, ConfigMaps and Secrets', () => {
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { color: 'blue' } }
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'keys' },
      data: { token: Buffer.from('s3cret').toString('base64') },
    }
    const env: readonly EnvVar[] = [
      { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
      { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'keys', key: 'token' } } },
      { name: 'ABSENT', valueFrom: { secretKeyRef: { name: 'none', key: 'token', optional: true } } },
    ]
    const change = { configMaps: new Map([['settings', configMap]]), secrets: new Map([['keys', secret]]) }
    expect(withEnv(env, change)).toEqual({
      ok: true,
      value: { ...withoutPort, NAME: 'web-a', APP: 'web', COLOR: 'blue', TOKEN: 's3cret' },
    })
  })

  test.each([
    [{ secretKeyRef: { name: 'none', key: 'token' } }, 'secret "none" not found'],
    [{ configMapKeyRef: { name: 'settings', key: 'size' } }, 'couldn\'t find key size in configmap "settings"'],
    [{ fieldRef: { fieldPath: 'spec.shoeSize' } }, 'fieldRef spec.shoeSize is not supported'],
    [{}, 'env X: valueFrom must name a fieldRef, configMapKeyRef or secretKeyRef'],
  ])('a value from %j is refused', (valueFrom, error) => {
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { color: 'blue' } }
    const configMaps = new Map([['settings', configMap]])
    expect(withEnv([{ name: 'X', valueFrom }], { configMaps })).toEqual({ ok: false, error })
  })
})
