import { applyScenarios } from './apply-scenarios.ts'
import { coreScenarios } from './core-scenarios.ts'
import { customScenarios } from './custom-scenarios.ts'
import { discoveryScenarios } from './discovery-scenarios.ts'

export const scenarios = [...coreScenarios, ...applyScenarios, ...customScenarios, ...discoveryScenarios]
