/**
 * notify: tells people and programs of a release. Handing a notice over never waits and never fails: each target has a
 * bounded queue, retries and an end to them. An address is a secret: it stands in no log line and no error.
 * It must not know Kubernetes beyond the AlertProvider it is given; Secrets are read by the caller.
 */
export { createNotifier, type NotifierOptions } from './notifier.ts'
export type { Notice, NoticeResult, NoticeTarget, Notifier, Severity } from './port.ts'
