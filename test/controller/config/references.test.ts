import { expect, test } from 'vitest'
import type { PodTemplate } from '../../../src/api/index.ts'
import { configReferencesOf, renameConfigs } from '../../../src/controller/config/references.ts'

const reading = (suffix: string): PodTemplate => ({
  metadata: { labels: { app: 'web' } },
  spec: {
    serviceAccountName: 'web',
    initContainers: [
      {
        name: 'migrate',
        image: 'migrate:1',
        envFrom: [{ prefix: 'DB_', secretRef: { name: `init-set${suffix}`, optional: true } }],
      },
    ],
    containers: [
      {
        name: 'web',
        image: 'web:1',
        env: [
          { name: 'PLAIN', value: 'init-set' },
          { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          {
            name: 'COLOR',
            valueFrom: { configMapKeyRef: { name: `variables${suffix}`, key: 'color', optional: true } },
          },
          { name: 'TOKEN', valueFrom: { secretKeyRef: { name: `variables${suffix}`, key: 'token' } } },
        ],
        envFrom: [{ configMapRef: { name: `set${suffix}` } }],
      },
      { name: 'bare', image: 'bare:1' },
    ],
    volumes: [
      { name: 'a', configMap: { name: `volume${suffix}` } },
      { name: 'b', secret: { secretName: `volume${suffix}` } },
      {
        name: 'c',
        projected: {
          sources: [
            { configMap: { name: `projected${suffix}` } },
            { secret: { name: `projected${suffix}` } },
            { configMap: { name: `volume${suffix}` } },
          ],
        },
      },
      { name: 'd' },
    ],
  },
})

test('everything that pods read is found, each once, and renamed with all beside it kept', () => {
  expect(configReferencesOf(reading('')).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'ConfigMap variables',
    'Secret variables',
    'ConfigMap set',
    'Secret init-set',
    'ConfigMap volume',
    'Secret volume',
    'ConfigMap projected',
    'Secret projected',
  ])
  expect(renameConfigs(reading(''), ({ name }) => `${name}-copy`)).toEqual(reading('-copy'))
})

test('a template that reads nothing stays as it is', () => {
  const template: PodTemplate = { spec: { containers: [{ name: 'web', image: 'web:1' }] } }
  expect(configReferencesOf(template)).toEqual([])
  expect(renameConfigs(template, () => 'other')).toEqual(template)
})
