/** Runs a platform with a few pods for the tests of orphans, until it is told to stop or killed. */
import { localImageKind, podKind } from '../../../src/api/index.ts'
import { createKubeClient } from '../../../src/kube/index.ts'
import { untilSignal } from '../../../src/runtime/index.ts'
import { eventually } from '../../support/eventually.ts'
import { barePod, scriptImage } from '../../support/local-cluster.ts'
import { buildPlatform } from '../../support/local-platform.ts'

const dataDirectory = process.argv[2] ?? ''
const platform = await buildPlatform({ dataDirectory })
using stop = untilSignal()
const running = platform.start(stop.signal)
await Promise.race([platform.ready, running])

const client = createKubeClient({ kubeconfig: platform.kubeconfigPath, fieldManager: 'test' })
const program = `require('child_process').spawn('sleep', ['600']); require('http').createServer().listen(8080, process.env.HOST)
process.on('SIGTERM', () => {})`
await client.apply(localImageKind, scriptImage('test/web', program))
const plain = barePod('plain', { ports: [{ containerPort: 8080 }] })
const meshed = barePod('meshed', { ports: [{ containerPort: 8080 }] })
const labels = { 'sidecar.istio.io/inject': 'true' }
await client.apply(podKind, plain)
await client.apply(podKind, { ...meshed, metadata: { ...meshed.metadata, labels } })
for (const name of ['plain', 'meshed']) {
  await eventually(
    async () => {
      const pod = await client.get(podKind, { namespace: 'default', name })
      return pod?.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'
    },
    { within: 120_000, what: `${name} is ready` },
  )
}
process.stdout.write('up\n')
await running
