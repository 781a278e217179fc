export interface ObjectKey {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

export const keyText = ({ kind, namespace, name }: ObjectKey): string => `${kind}/${namespace}/${name}`

export type FindingReason =
  | 'Invalid'
  | 'Conflict'
  | 'DestinationNotFound'
  | 'ProviderNotFound'
  | 'KeysUnavailable'
  | 'CredentialUnavailable'

/** Why an object, or a part of it, is not in force. */
export interface Finding {
  readonly object: ObjectKey
  readonly reason: FindingReason
  readonly message: string
}
