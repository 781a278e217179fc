import { describe } from 'vitest'
import { startLocalApiServer } from '../support/local-api-server.ts'
import { describeKubeClient } from './contract.ts'

describe('the client on the local API server', () => describeKubeClient(startLocalApiServer))
