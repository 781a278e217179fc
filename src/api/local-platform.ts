/**
 * Words that the local node agent and the mesh exchange on Pod objects. In Kubernetes none of them is set,
 * and the mesh assumes interception.
 */

/** Private loopback address the application binds; the pod's own address belongs to its sidecar. */
export const appAddressAnnotation = 'local.sluice.dev/app-address'

/** JSON object `{"namespace/service": "127.x.y.z"}`: where this pod's sidecar listens for each Service. */
export const serviceAddressesAnnotation = 'local.sluice.dev/service-addresses'

/** Istio's words: who gets a sidecar, and which pod is a gateway (value `gateway`). */
export const injectLabel = 'sidecar.istio.io/inject'
export const injectNamespaceLabel = 'istio-injection'
export const injectTemplatesAnnotation = 'inject.istio.io/templates'

/** On a pod whose connections are led through its sidecar: what was added to it. Istio's. */
export const injectedAnnotation = 'sidecar.istio.io/status'

/**
 * Ports below 1024 need root: they are published twenty thousand higher. Not ten: browsers and `fetch` refuse 10080,
 * which would be where port 80 is.
 */
export const publishedPort = (port: number): number => (port < 1024 ? port + 20_000 : port)

/** Addresses of this kind are this machine's alone, and pods of one platform share all of their ports. */
export const isShared = (address: string): boolean => address.startsWith('127.')

/** Where a port is found: on addresses that pods share, ports below 1024 are published higher. */
export const reachablePort = (address: string, port: number): number => (isShared(address) ? publishedPort(port) : port)

/**
 * File that a container's program may leave its last words in, as in /dev/termination-log of Kubernetes. A process has
 * no /dev of its own, so a variable names it.
 */
export const terminationMessageVariable = 'TERMINATION_MESSAGE_PATH'

/** Port of each pod's HTTP proxy listener (HTTP_PROXY), and of its merged metrics. Istio's numbers. */
export const httpProxyPort = 15_080
export const metricsPort = 15_090
