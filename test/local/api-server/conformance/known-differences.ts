/** Where ours answers otherwise than kube-apiserver 1.36, and why that may stay. Everything else must be equal. */
export const knownDifferences: Readonly<Record<string, string>> = {
  'pods / a command may not': 'the message of Kubernetes ends with a diff of Go values',
  'server-side apply of a deployment / all of it':
    'Kubernetes forgets the manager of a scale whose replicas were a default; ours keeps it',
  'custom resources: definitions / established':
    'the status of a definition has no manager: ours is written by the server itself',
  'endpoint slices / with an empty list': 'Kubernetes notes the manager of an empty list of endpoints or ports',
  'endpoint slices / is read so, too': 'Kubernetes notes the manager of an empty list of endpoints or ports',
}
