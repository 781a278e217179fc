/** hooks: calls of the webhooks at a release's gates, in Flagger's protocol. It must not know Kubernetes. */
export * from './port.ts'
