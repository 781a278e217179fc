import { simulatedNode } from '../../support/simulated-node.ts'

/** Selector, pods and replicas of an app, the same in every controller's words. */
export const workloadSpec = (name: string): object => ({
  replicas: 1,
  selector: { matchLabels: { app: name } },
  template: {
    metadata: { labels: { app: name } },
    spec: { nodeName: simulatedNode, containers: [{ name: 'web', image: imageOf('1') }] },
  },
})

export const imageOf = (tag: string): string => `demo/web:${tag}`

/** A merge patch of the pod template. */
export const imagePatch = (tag: string): object => ({
  spec: { template: { spec: { containers: [{ name: 'web', image: imageOf(tag) }] } } },
})
