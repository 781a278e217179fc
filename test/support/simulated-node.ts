import { stringify } from 'yaml'

/** Every pod that names it runs there, as kwok has it: nothing is started. There is no scheduler, so each must name it. */
export const simulatedNode = 'simulated'

/** Pods with an image of this tag never get ready. */
export const brokenTag = 'broken'

/** Pods of a primary with an image of this tag never get ready, all others do. */
export const unpromotableTag = 'unpromotable'

export const nodeObject = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: simulatedNode, annotations: { 'node.alpha.kubernetes.io/ttl': '0' } },
}

const stage = (kind: 'Node' | 'Pod', name: string, matchExpressions: readonly object[], next: object): object => ({
  apiVersion: 'kwok.x-k8s.io/v1alpha1',
  kind: 'Stage',
  metadata: { name },
  spec: { resourceRef: { apiGroup: 'v1', kind }, selector: { matchExpressions }, next },
})

const nodeStatus = `
{{ $now := Now }}
addresses:
- type: InternalIP
  address: 10.0.0.1
phase: Running
conditions:
- type: Ready
  status: "True"
  reason: KubeletReady
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
`

const readyStatus = `
{{ $now := Now }}
phase: Running
startTime: {{ $now | Quote }}
hostIP: 10.0.0.1
{{ $addresses := PodIPsWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace }}
podIP: {{ index $addresses 0 | Quote }}
podIPs:
- ip: {{ index $addresses 0 | Quote }}
conditions:
{{ range $type := list "Initialized" "ContainersReady" "Ready" }}
- type: {{ $type | Quote }}
  status: "True"
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: true
  started: true
  restartCount: 0
  state:
    running:
      startedAt: {{ $now | Quote }}
{{ end }}
`

/** Annotation of a Job's pods: each ends at once with exit code 0, or 1 for the message `failed`, and leaves this message. */
export const terminationMessage = 'simulated.example/termination-message'

const endedStatus = `
{{ $now := Now }}
{{ $message := index .metadata.annotations "${terminationMessage}" }}
{{ $failed := eq $message "failed" }}
phase: {{ if $failed }}Failed{{ else }}Succeeded{{ end }}
startTime: {{ $now | Quote }}
hostIP: 10.0.0.1
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: false
  restartCount: 0
  state:
    terminated:
      exitCode: {{ if $failed }}1{{ else }}0{{ end }}
      message: {{ $message | Quote }}
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
{{ end }}
`

/** What a kubelet would make of pods: ready at once, but for broken images, and gone at once when deleted. */
export const renderStages = (): string =>
  [
    stage('Node', 'node-ready', [{ key: '.status.phase', operator: 'NotIn', values: ['Running'] }], {
      statusTemplate: nodeStatus,
    }),
    stage(
      'Pod',
      'pod-ready',
      [
        { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' },
        { key: '.status.phase', operator: 'In', values: ['Pending'] },
        {
          key: `.spec.containers.[].image | select( endswith(":${brokenTag}") )`,
          operator: 'DoesNotExist',
        },
        {
          key: `select( .metadata.labels.app | endswith("-primary") ) | .spec.containers.[].image | select( endswith(":${unpromotableTag}") )`,
          operator: 'DoesNotExist',
        },
      ],
      { statusTemplate: readyStatus },
    ),
    stage(
      'Pod',
      'pod-ended',
      [
        { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' },
        { key: '.status.phase', operator: 'In', values: ['Running'] },
        { key: `.metadata.annotations["${terminationMessage}"]`, operator: 'Exists' },
      ],
      { statusTemplate: endedStatus },
    ),
    stage('Pod', 'pod-delete', [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }], { delete: true }),
  ]
    .map((each) => stringify(each))
    .join('---\n')
