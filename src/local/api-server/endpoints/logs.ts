import type { ApiRequest, ApiResponse } from '../http/request.ts'
import { arrayAt, stringAt } from '../json.ts'
import type { NamedTarget, Platform } from '../platform.ts'
import { badRequest, StatusError } from '../status-error.ts'
import { getStored } from './update.ts'

/** `kubectl logs`: streamed from where the node agent keeps them. */
export function readLogs(platform: Platform, target: NamedTarget, request: ApiRequest): ApiResponse {
  const pod = getStored(platform, target)
  const source = platform.logSource
  if (source === undefined)
    throw new StatusError(501, 'NotImplemented', 'this server has no node agent that keeps logs')
  const { query } = request
  const tail = query.get('tailLines')
  if (tail !== null && !/^\d+$/.test(tail)) throw badRequest(`invalid tailLines ${tail}`)
  const names = arrayAt(pod, 'spec', 'containers').map((container) => stringAt(container, 'name') ?? '')
  const logRequest = {
    namespace: target.namespace ?? '',
    pod: target.name,
    container: chooseContainer(target.name, names, query.get('container')),
    follow: query.get('follow') === 'true',
    tailLines: tail === null ? undefined : Number(tail),
    previous: query.get('previous') === 'true',
  }
  return {
    kind: 'stream',
    contentType: 'text/plain',
    run: async (sink, signal) => {
      for await (const chunk of source.readLog(logRequest, signal)) {
        if (signal.aborted || !sink.write(chunk)) return
      }
    },
  }
}

function chooseContainer(pod: string, names: readonly string[], wanted: string | null): string {
  const [first] = names
  if (wanted === null || wanted === '') {
    if (names.length > 1) {
      throw badRequest(`a container name must be specified for pod ${pod}, choose one of: [${names.join(' ')}]`)
    }
    return first ?? ''
  }
  // The sidecar is no container of the spec, but its log is wanted too.
  if (names.includes(wanted) || wanted === 'istio-proxy') return wanted
  throw badRequest(`container ${wanted} is not valid for pod ${pod}`)
}
