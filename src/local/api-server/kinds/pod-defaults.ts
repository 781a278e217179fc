import { type JsonObject, own, stringAt } from '../json.ts'
import { fill, mapAt, mapItems } from './fill.ts'

const probes = ['livenessProbe', 'readinessProbe', 'startupProbe']

/** The defaults of a pod's spec, also inside a workload's template. */
export function completePodSpec(spec: JsonObject): JsonObject {
  const filled = fill(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  })
  const serviceAccount = stringAt(filled, 'serviceAccountName') ?? stringAt(filled, 'serviceAccount')
  const named =
    serviceAccount === undefined ? filled : { ...filled, serviceAccountName: serviceAccount, serviceAccount }
  const withContainers = ['containers', 'initContainers'].reduce(
    (current, key) => mapItems(current, key, completeContainer),
    named,
  )
  return mapItems(withContainers, 'volumes', completeVolume)
}

function completeContainer(container: JsonObject): JsonObject {
  const filled = fill(container, {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicy(stringAt(container, 'image') ?? ''),
    resources: {},
  })
  const withPorts = mapItems(filled, 'ports', (port) => fill(port, { protocol: 'TCP' }))
  const withEnv = mapItems(withPorts, 'env', (variable) =>
    mapAt(variable, ['valueFrom', 'fieldRef'], (reference) => fill(reference, { apiVersion: 'v1' })),
  )
  return probes.reduce((current, probe) => mapAt(current, [probe], completeProbe), withEnv)
}

function pullPolicy(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1)
  const isLatest = !image.includes('@') && (!name.includes(':') || name.endsWith(':latest'))
  return isLatest ? 'Always' : 'IfNotPresent'
}

const completeProbe = (probe: JsonObject): JsonObject =>
  mapAt(
    fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }),
    ['httpGet'],
    (get) => fill(get, { path: '/', scheme: 'HTTP' }),
  )

const defaultMode = 420

function completeVolume(volume: JsonObject): JsonObject {
  const source = ['configMap', 'secret', 'projected', 'downwardAPI'].find((key) => own(volume, key) !== undefined)
  return source === undefined ? volume : mapAt(volume, [source], (one) => fill(one, { defaultMode }))
}
