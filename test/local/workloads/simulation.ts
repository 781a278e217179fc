import type { Deployment, ReplicaSet } from '../../../src/api/index.ts'
import { type DeploymentAction, decideDeployment } from '../../../src/local/workloads/deployment.ts'
import { fencepostsOf, sumReplicas, wantedReplicas } from '../../../src/local/workloads/rolling-update.ts'

/** A Deployment and its sets in memory: decisions are carried out, and pods come and become ready when told. */
export class Simulation {
  deployment: Deployment
  replicaSets: readonly ReplicaSet[] = []
  now: number
  /** What was carried out, in words. */
  readonly said: string[] = []

  constructor(deployment: Deployment, now: number) {
    this.deployment = deployment
    this.now = now
  }

  change(spec: Partial<Deployment['spec']>): void {
    const { metadata } = this.deployment
    this.deployment = {
      ...this.deployment,
      metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 },
      spec: { ...this.deployment.spec, ...spec },
    }
  }

  /** Decides and performs until nothing is left to do. Returns how many passes did something. */
  settle(): number {
    for (let passes = 0; passes < 50; passes += 1) {
      if (this.pass() === 0) return passes
    }
    throw new Error('the deployment never settles')
  }

  pass(): number {
    const { deployment, replicaSets, now } = this
    const { actions } = decideDeployment({ deployment, replicaSets, pods: [], now })
    for (const action of actions) this.perform(action)
    return actions.length
  }

  /** The ReplicaSet controller and the node: pods follow the number; at most `ready` of a set are available. */
  runPods(ready: (replicaSet: ReplicaSet) => number = () => Number.POSITIVE_INFINITY): void {
    this.replicaSets = this.replicaSets.map((replicaSet) => {
      const replicas = replicaSet.spec.replicas ?? 0
      const available = Math.min(replicas, ready(replicaSet))
      const status = { replicas, readyReplicas: available, availableReplicas: available, observedGeneration: 1 }
      return { ...replicaSet, status }
    })
  }

  /** Until neither pods nor decisions change anything. */
  finish(check: () => void = () => {}): void {
    for (let round = 0; round < 200; round += 1) {
      this.runPods()
      check()
      if (this.pass() === 0) return
      check()
    }
    throw new Error('the rollout never ends')
  }

  get sizes(): Record<string, number> {
    return Object.fromEntries(
      this.replicaSets
        .filter((each) => each.spec.replicas !== 0)
        .map((each) => [each.spec.template.spec.containers[0]?.image ?? '', each.spec.replicas ?? 0]),
    )
  }

  get withinSurge(): boolean {
    return sumReplicas(this.replicaSets) <= wantedReplicas(this.deployment) + fencepostsOf(this.deployment).maxSurge
  }

  condition(type: string): string | undefined {
    const found = this.deployment.status?.conditions?.find((each) => each.type === type)
    return found && `${found.status} ${found.reason}`
  }

  private perform(action: DeploymentAction): void {
    switch (action.kind) {
      case 'createReplicaSet':
        this.create(action.replicaSet)
        break
      case 'updateReplicaSet':
        this.update(action)
        break
      case 'deleteReplicaSet':
        this.said.push(`delete ${imageOf(action.replicaSet)}`)
        this.replicaSets = this.replicaSets.filter((each) => each.metadata.name !== action.replicaSet.metadata.name)
        break
      case 'annotateDeployment':
        this.annotate(action.annotations)
        break
      case 'writeStatus':
        this.deployment = { ...this.deployment, status: action.status }
    }
  }

  private create(replicaSet: ReplicaSet): void {
    this.said.push(`create ${imageOf(replicaSet)} ${replicaSet.spec.replicas}`)
    const metadata = {
      ...replicaSet.metadata,
      uid: `uid-${replicaSet.metadata.name}`,
      creationTimestamp: new Date(this.now + this.replicaSets.length * 1_000).toISOString(),
    }
    this.replicaSets = [...this.replicaSets, { ...replicaSet, metadata }]
  }

  private update({ replicaSet, replicas, annotations }: Extract<DeploymentAction, { kind: 'updateReplicaSet' }>): void {
    if (replicas !== undefined) this.said.push(`scale ${imageOf(replicaSet)} ${replicas}`)
    this.replicaSets = this.replicaSets.map((each) =>
      each.metadata.name === replicaSet.metadata.name
        ? {
            ...each,
            metadata: { ...each.metadata, annotations: { ...each.metadata.annotations, ...annotations } },
            spec: { ...each.spec, ...(replicas === undefined ? {} : { replicas }) },
          }
        : each,
    )
  }

  private annotate(annotations: Readonly<Record<string, string>>): void {
    const { metadata } = this.deployment
    this.deployment = {
      ...this.deployment,
      metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } },
    }
  }
}

const imageOf = (replicaSet: ReplicaSet): string => replicaSet.spec.template.spec.containers[0]?.image ?? ''
