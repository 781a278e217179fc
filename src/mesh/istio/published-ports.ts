import { reachablePort } from '../../api/index.ts'
import type { AuthorizationPolicy, Condition } from '../model/index.ts'

/** The policy with ports as they are found at the address of the pod that is asked: some addresses have others. */
export function asPublished(policy: AuthorizationPolicy, address = ''): AuthorizationPolicy {
  if (reachablePort(address, 80) === 80) return policy
  const published = (port: string) => `${reachablePort(address, Number(port))}`
  const readCondition = (condition: Condition): Condition =>
    condition.attribute.kind === 'port'
      ? { ...condition, values: condition.values.map(published), notValues: condition.notValues.map(published) }
      : condition
  const rules = policy.rules.map(({ from, to, when }) => {
    return { from, to: to.map((operation) => operation.map(readCondition)), when: when.map(readCondition) }
  })
  return { ...policy, rules }
}
