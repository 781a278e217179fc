import { KubeConfig } from '@kubernetes/client-node'

/** Reads a kubeconfig file, or finds one as kubectl does, or takes the pod's service account. */
export function readKubeConfig(path: string | undefined): KubeConfig {
  const config = new KubeConfig()
  if (path === undefined) config.loadFromDefault()
  else config.loadFromFile(path)
  return config
}
