import type { AxiosRequestConfig, AxiosResponse, AxiosStatic } from 'axios'
import { RegistryError } from './registry-error.ts'

const TIMEOUT_MS = 15_000
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

export interface RegistryResponse {
  readonly status: number
  readonly body: string
  header(name: string): string | undefined
}

/** One GET with limits of time and size. Redirects are not followed: they would carry credentials to another host. */
export async function get(url: URL, authorization: string | undefined, signal: AbortSignal): Promise<RegistryResponse> {
  // Loaded on first use: the package costs 30 MB, which clusters without image policies do not need.
  const { default: axios } = await import('axios')
  try {
    return toResponse(await axios.get(url.href, settings(authorization, signal)))
  } catch (error) {
    throw new RegistryError('RegistryUnreachable', `registry ${url.host} ${describe(axios, error)}`)
  }
}

function settings(authorization: string | undefined, signal: AbortSignal): AxiosRequestConfig<never> {
  return {
    headers: { Accept: 'application/json', ...(authorization === undefined ? {} : { Authorization: authorization }) },
    timeout: TIMEOUT_MS,
    // The client's own time limit does not cover the connecting.
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    maxRedirects: 0,
    maxContentLength: MAX_ANSWER_BYTES,
    responseType: 'text',
    transformResponse: (data: unknown) => data,
    validateStatus: () => true,
  }
}

function toResponse(response: AxiosResponse<unknown>): RegistryResponse {
  return {
    status: response.status,
    body: typeof response.data === 'string' ? response.data : '',
    header(name) {
      const value: unknown = response.headers[name]
      return typeof value === 'string' ? value : undefined
    },
  }
}

function describe(axios: AxiosStatic, error: unknown): string {
  if (!axios.isAxiosError(error)) return 'cannot be asked'
  if (error.message.includes('maxContentLength')) return `answered with more than ${MAX_ANSWER_BYTES / 1024 / 1024} MB`
  if (error.code === 'ERR_CANCELED' || error.code === 'ECONNABORTED') {
    return `did not answer within ${TIMEOUT_MS / 1_000} s; check that it can be reached from here`
  }
  return `cannot be reached (${error.code ?? 'no answer'}); check its name, its certificate and the network`
}
