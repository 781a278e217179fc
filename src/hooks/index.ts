/**
 * hooks: calls of the webhooks at a release's gates, in Flagger's protocol: a POST of name, namespace, phase, checksum
 * and metadata, and 200 to 202 means yes. A gate is a question, so a call has a time limit, few redirects and none to
 * another host, and nothing of an answer but its status goes further. It must not know Kubernetes.
 */
export { createHookCaller, type HookCallerOptions } from './hook-caller.ts'
export type { HookCaller, HookOutcome, HookPayload } from './port.ts'
