import { configMap, deployment, pod, service } from './objects.ts'
import { get, json, merge, patch, post, put, remove, type Scenario, strategic } from './steps.ts'

const maps = '/api/v1/namespaces/{ns}/configmaps'
const deployments = '/apis/apps/v1/namespaces/{ns}/deployments'
const services = '/api/v1/namespaces/{ns}/services'
const pods = '/api/v1/namespaces/{ns}/pods'
const secrets = '/api/v1/namespaces/{ns}/secrets'
const time = '2026-01-01T00:00:00Z'
const uid = '00000000-0000-4000-8000-000000000000'

export const coreScenarios: readonly Scenario[] = [
  {
    name: 'create, read and replace',
    steps: [
      post('creates', maps, configMap('a')),
      post('refuses the second of a name', maps, configMap('a')),
      get('reads', `${maps}/a`),
      get('misses', `${maps}/b`),
      put('replaces without a version', `${maps}/a`, () => configMap('a', { a: '2' })),
      put('replaces with the version it read', `${maps}/a`, ([, , , , last]) => ({ ...last, data: { a: '3' } })),
      put('refuses a version of the past', `${maps}/a`, ([first]) => ({ ...first, data: { a: '4' } })),
      put('changes nothing by the same object', `${maps}/a`, ([, , , , , last]) => last),
      put('refuses another uid', `${maps}/a`, () => configMap('a', {}, { uid })),
      put('refuses another name', `${maps}/a`, () => configMap('b')),
      put('misses what it would replace', `${maps}/none`, () => configMap('none')),
      post('refuses a resourceVersion at creation', maps, configMap('c', {}, { resourceVersion: '5' })),
      post('refuses the namespace of another', maps, configMap('c', {}, { namespace: 'other' })),
      post('takes a dry run', `${maps}?dryRun=All`, configMap('dry')),
      get('keeps nothing of it', `${maps}/dry`),
      post('refuses an unknown dry run', `${maps}?dryRun=Some`, configMap('dry')),
      remove('deletes', `${maps}/a`),
      remove('misses what it deleted', `${maps}/a`),
    ],
  },
  {
    name: 'names and metadata',
    steps: [
      post('refuses capitals', maps, configMap('A')),
      post('refuses no name', maps, { apiVersion: 'v1', kind: 'ConfigMap' }),
      post('refuses a label value', maps, configMap('a', {}, { labels: { a: 'b c' } })),
      post('refuses a label key', maps, configMap('a', {}, { labels: { 'a b': 'c' } })),
      post('refuses a key of data', maps, configMap('a', { 'a b': '1' })),
      post(
        'refuses an owner without uid',
        maps,
        configMap('a', {}, { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'x', uid: '' }] }),
      ),
      post('refuses another version', maps, { ...configMap('a'), apiVersion: 'v2' }),
      post('refuses a wrong type', maps, configMap('a', { a: 1 })),
      post('refuses a service name with a leading digit', services, service('1a')),
      post('drops unknown fields with a warning', maps, { ...configMap('warned'), more: 1 }),
      post('refuses unknown fields when strict', `${maps}?fieldValidation=Strict`, {
        ...configMap('strict'),
        more: 1,
        metadata: { name: 'strict', odd: 2 },
      }),
      post('drops them in silence', `${maps}?fieldValidation=Ignore`, { ...configMap('silent'), more: 1 }),
      post('misses the namespace', '/api/v1/namespaces/none/configmaps', configMap('a')),
      get('misses the resource', '/api/v1/namespaces/{ns}/things'),
      get('misses the group', '/apis/none.test/v1/things'),
    ],
  },
  {
    name: 'generation, status and no-ops',
    steps: [
      post('creates with defaults', deployments, deployment('web')),
      patch('metadata does not count', `${deployments}/web`, merge, { metadata: { labels: { a: 'b' } } }),
      patch('a spec counts', `${deployments}/web`, merge, { spec: { replicas: 3 } }),
      patch('the same is no change', `${deployments}/web`, merge, { spec: { replicas: 3 } }),
      patch('status does not go through the object', `${deployments}/web`, merge, { status: { replicas: 9 } }),
      patch('status goes through its subresource', `${deployments}/web/status`, merge, {
        status: {
          replicas: 2,
          conditions: [{ type: 'Available', status: 'True', lastTransitionTime: time, lastUpdateTime: time }],
        },
        spec: { replicas: 7 },
      }),
      get('and the spec does not', `${deployments}/web/status`),
      get('scale reads', `${deployments}/web/scale`),
      patch('scale writes', `${deployments}/web/scale`, merge, { spec: { replicas: 5 } }),
      patch('scale refuses less than nothing', `${deployments}/web/scale`, merge, { spec: { replicas: -1 } }),
      get('the deployment has the replicas', `${deployments}/web`),
      patch('the selector is immutable', `${deployments}/web`, merge, {
        spec: { selector: { matchLabels: { app: 'x' } }, template: { metadata: { labels: { app: 'x' } } } },
      }),
      post(
        'refuses a selector that misses the template',
        deployments,
        deployment('odd', { selector: { matchLabels: { app: 'other' } } }),
      ),
      post(
        'refuses no containers',
        deployments,
        deployment('odd', { template: { metadata: { labels: { app: 'odd' } }, spec: { containers: [] } } }),
      ),
      post('refuses no selector', deployments, deployment('odd', { selector: undefined })),
      post('refuses a string for replicas', deployments, deployment('odd', { replicas: 'x' })),
    ],
  },
  {
    name: 'pods',
    steps: [
      post(
        'creates with defaults',
        pods,
        pod('one', {
          containers: [
            {
              name: 'web',
              image: 'example.test/web:1',
              readinessProbe: { httpGet: { port: 80 } },
              resources: { limits: { cpu: 0.5, memory: '128Mi' } },
            },
          ],
        }),
      ),
      patch('the image may change', `${pods}/one`, strategic, {
        spec: { containers: [{ name: 'web', image: 'example.test/web:2' }] },
      }),
      patch('a command may not', `${pods}/one`, strategic, { spec: { containers: [{ name: 'web', command: ['x'] }] } }),
      patch('status', `${pods}/one/status`, merge, { status: { phase: 'Running', podIP: '127.0.0.2' } }),
      get('is found by phase', `${pods}?fieldSelector=status.phase%3DRunning`),
      get('is not found by another', `${pods}?fieldSelector=status.phase%3DFailed`),
      get('is found by name and namespace', `${pods}?fieldSelector=metadata.name%3Done,metadata.namespace%21%3Dx`),
      get('refuses an unknown field', `${pods}?fieldSelector=spec.hostname%3Dx`),
      remove('an unscheduled pod goes at once', `${pods}/one`),
      post('takes a scheduled pod', pods, pod('two', { nodeName: 'local', terminationGracePeriodSeconds: 7 })),
      remove('and lets it end', `${pods}/two`),
      remove('a second time changes nothing', `${pods}/two`),
      remove('until the node says it is gone', `${pods}/two`, { gracePeriodSeconds: 0 }),
      get('then it is', `${pods}/two`),
    ],
  },
  {
    name: 'services and secrets',
    steps: [
      post('creates with defaults', services, service('web')),
      post('refuses two ports without names', services, service('two', { ports: [{ port: 80 }, { port: 81 }] })),
      post('refuses no ports', services, service('none', { ports: [] })),
      post('refuses a port out of range', services, service('big', { ports: [{ port: 70000 }] })),
      post('takes a headless one', services, service('headless', { clusterIP: 'None' })),
      post(
        'takes an external name',
        services,
        service('outside', { type: 'ExternalName', externalName: 'example.test', ports: undefined }),
      ),
      post('refuses an unknown type', services, service('odd', { type: 'Odd' })),
      put('a replacement keeps the address', `${services}/web`, () => service('web', { ports: [{ port: 81 }] })),
      post('a secret takes text', secrets, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 's' },
        stringData: { a: 'text' },
        data: { b: 'dGV4dA==' },
      }),
      patch('its type is immutable', `${secrets}/s`, merge, { type: 'other' }),
      patch('it can be frozen', `${secrets}/s`, merge, { immutable: true }),
      patch('and then not changed', `${secrets}/s`, merge, { stringData: { a: 'more' } }),
    ],
  },
  {
    name: 'patches',
    steps: [
      post(
        'a deployment',
        deployments,
        deployment(
          'web',
          {},
          {
            env: [
              { name: 'A', value: '1' },
              { name: 'B', value: '2' },
            ],
          },
        ),
      ),
      patch('strategic merges containers by name and env by name', `${deployments}/web`, strategic, {
        spec: {
          template: {
            spec: {
              containers: [
                {
                  name: 'web',
                  env: [
                    { name: 'B', value: '3' },
                    { name: 'C', value: '4' },
                  ],
                },
              ],
            },
          },
        },
      }),
      patch('strategic deletes by directive', `${deployments}/web`, strategic, {
        spec: { template: { spec: { containers: [{ name: 'web', env: [{ name: 'A', $patch: 'delete' }] }] } } },
      }),
      patch('strategic orders', `${deployments}/web`, strategic, {
        spec: {
          template: {
            spec: {
              '$setElementOrder/containers': [{ name: 'web' }],
              containers: [
                {
                  name: 'web',
                  '$setElementOrder/env': [{ name: 'C' }, { name: 'B' }],
                  env: [{ name: 'C', value: '5' }],
                },
              ],
            },
          },
        },
      }),
      patch('strategic replaces a list', `${deployments}/web`, strategic, {
        spec: {
          template: { spec: { containers: [{ $patch: 'replace' }, { name: 'other', image: 'example.test/other:1' }] } },
        },
      }),
      patch('strategic retains keys', `${deployments}/web`, strategic, {
        spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
      }),
      patch('strategic adds finalizers to a set', `${deployments}/web`, strategic, {
        metadata: { finalizers: ['example.test/a'] },
      }),
      patch('and deletes one of a set', `${deployments}/web`, strategic, {
        metadata: { '$deleteFromPrimitiveList/finalizers': ['example.test/a'] },
      }),
      patch('merge replaces lists', `${deployments}/web`, merge, {
        spec: { template: { spec: { containers: [{ name: 'x', image: 'example.test/x:1' }] } } },
      }),
      patch('json patch', `${deployments}/web`, json, [
        { op: 'test', path: '/spec/replicas', value: 1 },
        { op: 'replace', path: '/spec/replicas', value: 2 },
      ]),
      patch('json patch test fails', `${deployments}/web`, json, [{ op: 'test', path: '/spec/replicas', value: 1 }]),
      patch('json patch to nowhere', `${deployments}/web`, json, [{ op: 'remove', path: '/spec/none' }]),
      patch('a version in a patch is a precondition', `${deployments}/web`, merge, {
        metadata: { resourceVersion: '1' },
        spec: { replicas: 9 },
      }),
      patch('unknown media type', `${deployments}/web`, 'text/plain', {}),
      patch('misses', `${deployments}/none`, merge, {}),
    ],
  },
  {
    name: 'finalizers',
    steps: [
      post('an object that is held', maps, configMap('held', {}, { finalizers: ['example.test/hold'] })),
      remove('is marked', `${maps}/held`),
      remove('a second time is no error', `${maps}/held`),
      patch('no finalizer may come', `${maps}/held`, merge, {
        metadata: { finalizers: ['example.test/hold', 'example.test/more'] },
      }),
      patch('other changes may', `${maps}/held`, merge, { data: { b: '2' } }),
      patch('the last one goes', `${maps}/held`, merge, { metadata: { finalizers: null } }),
      get('and the object with it', `${maps}/held`),
      post('preconditions', maps, configMap('pre')),
      remove('refuse another uid', `${maps}/pre`, { preconditions: { uid } }),
      remove('refuse another version', `${maps}/pre`, { preconditions: { resourceVersion: '1' } }),
      remove('dry run', `${maps}/pre?dryRun=All`),
      get('keeps it', `${maps}/pre`),
    ],
  },
  {
    name: 'lists and selectors',
    steps: [
      ...['a', 'b', 'c', 'd', 'e'].map((name, index) =>
        post(`creates ${name}`, maps, configMap(name, {}, { labels: { name, half: index < 2 ? 'first' : 'second' } })),
      ),
      get('all', `${maps}?labelSelector=name`),
      get('equal', `${maps}?labelSelector=half%3Dfirst`),
      get('not equal', `${maps}?labelSelector=half%21%3Dfirst,name`),
      get('in', `${maps}?labelSelector=name+in+(a,c)`),
      get('not in', `${maps}?labelSelector=name+notin+(a,c),name`),
      get('absent', `${maps}?labelSelector=%21half,name`),
      get('malformed', `${maps}?labelSelector=a+b`),
      get('by field', `${maps}?fieldSelector=metadata.name%3Da`),
      get('a first page', `${maps}?limit=2&labelSelector=name`),
      get(
        'the next one',
        (answers) => `${maps}?limit=2&labelSelector=name&continue=${answers.at(-1).metadata.continue}`,
      ),
      get(
        'the last one',
        (answers) => `${maps}?limit=2&labelSelector=name&continue=${answers.at(-1).metadata.continue}`,
      ),
      get('as a table', `${maps}?labelSelector=name%3Da`, {
        accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
      }),
      get('one as a table', `${maps}/a`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' }),
      get('a version of the future', `${maps}?resourceVersion=99999999999`),
      get('no version', `${maps}?resourceVersion=x`),
      remove('some', `${maps}?labelSelector=half%3Dfirst`),
      get('the others are left', `${maps}?labelSelector=name`),
    ],
  },
]
