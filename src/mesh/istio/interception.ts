import { injectedAnnotation, type Pod } from '../../api/index.ts'

const traffic = 'traffic.sidecar.istio.io/'

/** Its connections are led to its proxy, which listens nowhere else. */
export const isIntercepted = ({ metadata }: Pod): boolean => metadata.annotations?.[injectedAnnotation] !== undefined

/** Whether connections to a port of an intercepted pod go past its proxy: Istio's annotations say so. */
export function isPastProxy({ metadata: { annotations = {} } }: Pod, port: number): boolean {
  if (annotations[`${traffic}includeInboundPorts`] === '') return true
  const excluded = (annotations[`${traffic}excludeInboundPorts`] ?? '').split(',')
  return excluded.some((each) => each.trim() !== '' && Number(each) === port)
}

/** The rules of pods know IPv4 only, and a listener has one address. */
export const isInterceptable = (address: string): boolean => /^[\d.]+$/.test(address)
