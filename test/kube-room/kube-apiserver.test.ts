import { describe } from 'vitest'
import { startKubeApiserver } from '../support/kube-apiserver.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../support/kube-binaries.ts'
import { describeKubeClient } from './contract.ts'

const skipped = skipReason('the client on a real kube-apiserver', 'etcd', 'kube-apiserver')

describe.skipIf(skipped !== undefined)('the client on a real kube-apiserver', () =>
  describeKubeClient(startKubeApiserver, BUILD_TIMEOUT_MS),
)
