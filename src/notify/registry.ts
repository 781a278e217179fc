import type { AlertProvider } from '../api/index.ts'
import { renderSlack } from './notifiers/slack.ts'
import { renderWebhook } from './notifiers/webhook.ts'
import type { Renderer } from './renderer.ts'

/** Every service that can be told of a release. A new one is a file in notifiers/ and a line here. */
export const renderers: Readonly<Record<AlertProvider['spec']['type'], Renderer>> = {
  slack: renderSlack,
  webhook: renderWebhook,
}
