import { expect, test } from 'vitest'
import type { Namespace } from '../../../../src/api/index.ts'
import { sidecarModeOf } from '../../../../src/local/node-agent/spec/sidecar-membership.ts'
import { podOf } from '../../../support/workload-objects.ts'

const namespace = (labels: Record<string, string>): Namespace => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'test', labels },
})

const enabled = { 'istio-injection': 'enabled' }
const inject = (value: string) => ({ 'sidecar.istio.io/inject': value })

const gateway = { 'inject.istio.io/templates': 'gateway' }

test.each([
  { name: 'nothing says so', expected: 'none' },
  { name: 'the pod says so', labels: inject('true'), expected: 'sidecar' },
  { name: 'the namespace says so', of: enabled, expected: 'sidecar' },
  { name: 'the pod objects', labels: inject('false'), of: enabled, expected: 'none' },
  { name: 'the pod is a gateway', labels: inject('true'), annotations: gateway, expected: 'gateway' },
  { name: 'only an injected pod is a gateway', annotations: gateway, expected: 'none' },
])('$name', ({ labels = {}, annotations = {}, of = {}, expected }) => {
  const pod = podOf('web', { labels })
  const annotated = { ...pod, metadata: { ...pod.metadata, annotations } }
  expect(sidecarModeOf(annotated, namespace(of))).toBe(expected)
})
