/**
 * local/api-server: a Kubernetes-compatible API server in this process. It serves builtin kinds and CRDs over HTTPS on
 * a loopback address to whoever has the token: kubectl, client-node, the controllers and the node agent alike. It keeps
 * objects, validates and merges them, watches, collects garbage and empties namespaces. It runs no workloads: pods'
 * logs come through a LogSource, and everything else that happens to a Pod is written by others through the API.
 */
export { createApiServer } from './api-server.ts'
export type { ApiServer, ApiServerOptions, LogRequest, LogSource } from './port.ts'
