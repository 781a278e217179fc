/**
 * mesh/ca: who the workloads are to each other. An authority issues short-lived leaves, a trust says which roots count
 * and moves from one to the next without a gap, an issuer keeps a fresh leaf for each identity, and a pod's token
 * proves to the control plane which pod it is. It knows no Kubernetes object and no Envoy message; no key leaves it
 * but in the leaf that it belongs to, and none is ever logged.
 */
export { type Authority, type IssueRequest, type Leaf, openAuthority } from './authority.ts'
export { type AuthorityFiles, createSelfSignedAuthority } from './authority-files.ts'
export { createIssuer, type Issuer, type IssuerOptions } from './issuer.ts'
export { createPodToken, type PodIdentity, readPodToken } from './pod-token.ts'
export { bundleOf, firstTrust, type RetiringRoot, settleTrust, type Trust } from './trust.ts'
