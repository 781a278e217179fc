/** What one version did in a window. */
export interface Arm {
  readonly requests: number
  /** Failed or slow ones among them, as the metric has it. */
  readonly failures: number
}

export const noRequests: Arm = { requests: 0, failures: 0 }

export const addArms = (left: Arm, right: Arm): Arm => ({
  requests: left.requests + right.requests,
  failures: left.failures + right.failures,
})
