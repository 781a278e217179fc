/** notify: tells people and programs of a release. It must not know Kubernetes, and it never holds a release. */
export * from './port.ts'
