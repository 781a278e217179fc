import { checkKubeConfig, createKubeClient, type KubeClient } from '../kube/index.ts'

/**
 * The client of a process that serves. A kubeconfig that can not be used ends it at once with the reason; an API server
 * that is away is waited for.
 */
export async function createServingClient(kubeconfig: string | undefined, fieldManager: string): Promise<KubeClient> {
  await checkKubeConfig(kubeconfig)
  return createKubeClient({ ...(kubeconfig === undefined ? {} : { kubeconfig }), fieldManager })
}
