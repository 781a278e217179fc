import { configMap, deployment, widget } from './objects.ts'
import { apply, get, merge, patch, post, put, type Scenario } from './steps.ts'

const time = '2026-01-01T00:00:00Z'
const maps = '/api/v1/namespaces/{ns}/configmaps'
const deployments = '/apis/apps/v1/namespaces/{ns}/deployments'
const widgets = '/apis/example.test/v1/namespaces/{ns}/widgets'

export const applyScenarios: readonly Scenario[] = [
  {
    name: 'server-side apply of a map',
    steps: [
      patch('needs a manager', `${maps}/a`, apply, configMap('a')),
      patch('creates', `${maps}/a?fieldManager=one`, apply, configMap('a', { a: '1', b: '2' })),
      patch('again changes nothing', `${maps}/a?fieldManager=one`, apply, configMap('a', { a: '1', b: '2' })),
      patch('another manager adds', `${maps}/a?fieldManager=two`, apply, configMap('a', { c: '3' })),
      patch('the same value is shared', `${maps}/a?fieldManager=two`, apply, configMap('a', { a: '1', c: '3' })),
      patch('another value is a conflict', `${maps}/a?fieldManager=two`, apply, configMap('a', { b: '9', a: '9' })),
      patch('that force takes', `${maps}/a?fieldManager=two&force=true`, apply, configMap('a', { b: '9', c: '3' })),
      patch(
        'what is applied no more goes, unless shared',
        `${maps}/a?fieldManager=two`,
        apply,
        configMap('a', { c: '3' }),
      ),
      patch('update takes fields', `${maps}/a?fieldManager=three`, merge, { data: { a: '7' } }),
      patch('and is in conflict then', `${maps}/a?fieldManager=one`, apply, configMap('a', { a: '1' })),
      patch('update removes fields', `${maps}/a?fieldManager=three`, merge, { data: { a: null } }),
      put('replace', `${maps}/a?fieldManager=four`, () => configMap('a', { z: '1' })),
      patch('managedFields can be cleared', `${maps}/a?fieldManager=five`, merge, {
        metadata: { managedFields: [{}] },
      }),
      patch(
        'must not be applied',
        `${maps}/a?fieldManager=one`,
        apply,
        configMap('a', {}, { managedFields: [{ manager: 'x' }] }),
      ),
      patch('dry run', `${maps}/a?fieldManager=one&dryRun=All`, apply, configMap('a', { dry: 'run' })),
      get('keeps nothing', `${maps}/a`),
      patch('text is YAML', `${maps}/y?fieldManager=one`, apply, configMap('y', { a: 'b' })),
    ],
  },
  {
    name: 'server-side apply of a deployment',
    steps: [
      patch(
        'creates',
        `${deployments}/web?fieldManager=one`,
        apply,
        deployment('web', { replicas: 2 }, { env: [{ name: 'A', value: '1' }] }),
      ),
      patch('another manager adds to lists by their keys', `${deployments}/web?fieldManager=two`, apply, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: {
          template: {
            spec: {
              containers: [
                { name: 'web', env: [{ name: 'B', value: '2' }], ports: [{ containerPort: 9090, protocol: 'TCP' }] },
                { name: 'side', image: 'example.test/side:1' },
              ],
            },
          },
        },
      }),
      patch(
        'gives replicas up',
        `${deployments}/web?fieldManager=one`,
        apply,
        deployment('web', {}, { env: [{ name: 'A', value: '1' }] }),
      ),
      patch('adds a probe', `${deployments}/web?fieldManager=three`, apply, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: { template: { spec: { containers: [{ name: 'web', readinessProbe: { httpGet: { port: 8080 } } }] } } },
      }),
      patch('and takes it away with what was defaulted in it', `${deployments}/web?fieldManager=three`, apply, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web', labels: { three: 'yes' } },
      }),
      patch('removes its own item only', `${deployments}/web?fieldManager=two`, apply, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: { template: { spec: { containers: [{ name: 'web', env: [{ name: 'B', value: '2' }] }] } } },
      }),
      patch('conflict in a list', `${deployments}/web?fieldManager=two`, apply, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: {
          template: {
            spec: { containers: [{ name: 'web', image: 'example.test/web:2', env: [{ name: 'A', value: '9' }] }] },
          },
        },
      }),
      patch('status by its subresource', `${deployments}/web/status?fieldManager=status`, apply, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        status: {
          replicas: 1,
          conditions: [
            {
              type: 'Available',
              status: 'True',
              reason: 'x',
              message: 'y',
              lastTransitionTime: time,
              lastUpdateTime: time,
            },
          ],
        },
      }),
      patch('a scale is a manager of its own', `${deployments}/web/scale?fieldManager=scaler`, merge, {
        spec: { replicas: 4 },
      }),
      get('all of it', `${deployments}/web`),
    ],
  },
  {
    name: 'server-side apply after client-side',
    steps: [
      post(
        'created by one who tracks nothing',
        `${deployments}?fieldManager=kubectl-client-side-apply`,
        deployment('web'),
      ),
      patch('strategic', `${deployments}/web?fieldManager=set`, 'application/strategic-merge-patch+json', {
        spec: { template: { spec: { containers: [{ name: 'web', image: 'example.test/web:2' }] } } },
      }),
      patch('conflict', `${deployments}/web?fieldManager=kubectl`, apply, deployment('web')),
      patch('forced', `${deployments}/web?fieldManager=kubectl&force=true`, apply, deployment('web')),
    ],
  },
  {
    name: 'server-side apply of a custom resource',
    steps: [
      patch(
        'creates',
        `${widgets}/a?fieldManager=one`,
        apply,
        widget('a', { size: 2, parts: [{ id: 'x', weight: 1 }], tags: ['t1'], labels: { a: 'b' } }),
      ),
      patch(
        'keyed lists merge',
        `${widgets}/a?fieldManager=two`,
        apply,
        widget('a', { size: 2, parts: [{ id: 'y', weight: 2 }], tags: ['t2'] }),
      ),
      patch('own items go', `${widgets}/a?fieldManager=one`, apply, widget('a', { size: 2, parts: [{ id: 'z' }] })),
      patch(
        'conflict',
        `${widgets}/a?fieldManager=one`,
        apply,
        widget('a', { size: 2, parts: [{ id: 'y', weight: 3 }] }),
      ),
      patch('invalid', `${widgets}/a?fieldManager=one`, apply, widget('a', { size: 99 })),
      patch(
        'free fields are granular',
        `${widgets}/b?fieldManager=one`,
        apply,
        widget('b', { size: 1, free: { a: { b: 1 }, list: [1, 2] } }),
      ),
      patch('and merge', `${widgets}/b?fieldManager=two`, apply, widget('b', { size: 1, free: { a: { c: 2 } } })),
      patch('status', `${widgets}/b/status?fieldManager=three`, apply, {
        apiVersion: 'example.test/v1',
        kind: 'Widget',
        metadata: { name: 'b' },
        status: { replicas: 1 },
      }),
    ],
  },
]
