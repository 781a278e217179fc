import { stringify } from 'yaml'

export interface KubeconfigFacts {
  readonly url: string
  readonly caCertificate: string
  readonly token: string
}

const name = 'sluice-local'

export const renderKubeconfig = ({ url, caCertificate, token }: KubeconfigFacts): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name, cluster: { server: url, 'certificate-authority-data': Buffer.from(caCertificate).toString('base64') } },
    ],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
    'current-context': name,
  })
