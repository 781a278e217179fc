import type { DeltaRequest } from './receive-delta.ts'

/** Field numbers of DeltaDiscoveryRequest with their wire type, and the longest text whose length is one byte. */
const [TYPE_URL, NONCE, SHORT] = [(2 << 3) | 2, (6 << 3) | 2, 127]

/**
 * A request that says nothing but that a response is accepted, as almost all of them; undefined of any other, and of
 * what is no request. It is read without making a message of it: a thousand of them answer a changed weight.
 */
export function readAcceptance(bytes: Buffer): DeltaRequest | undefined {
  let [typeUrl, responseNonce] = ['', '']
  for (let at = 0; at < bytes.length; ) {
    const [field, length = SHORT + 1] = [bytes[at], bytes[at + 1]]
    const end = at + 2 + length
    if (length > SHORT || end > bytes.length) return undefined
    const text = bytes.toString('utf8', at + 2, end)
    if (field === TYPE_URL) typeUrl = text
    else if (field === NONCE) responseNonce = text
    else return undefined
    at = end
  }
  return responseNonce === '' ? undefined : { ...nothing, typeUrl, responseNonce }
}

const nothing = { subscribe: [], unsubscribe: [], initialVersions: {} } as const
