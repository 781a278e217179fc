import type { DestinationRuleSpec } from './supported.ts'
import type { PolicySpec, TrafficPolicySpec } from './supported-policy.ts'

/** A field of a DestinationRule that names a Secret. */
export interface CredentialPlace {
  /** `spec.trafficPolicy.tls.credentialName` */
  readonly path: string
  readonly credential: string
}

export const credentialPlaces = ({ trafficPolicy, subsets }: DestinationRuleSpec): readonly CredentialPlace[] => [
  ...placesIn(trafficPolicy, 'spec.trafficPolicy'),
  ...subsets.flatMap((subset, index) => placesIn(subset.trafficPolicy, `spec.subsets[${index}].trafficPolicy`)),
]

const placesIn = (policy: TrafficPolicySpec | undefined, path: string): readonly CredentialPlace[] => [
  ...placeIn(policy, path),
  ...(policy?.portLevelSettings ?? []).flatMap((settings, index) =>
    placeIn(settings, `${path}.portLevelSettings[${index}]`),
  ),
]

function placeIn(policy: PolicySpec | undefined, path: string): readonly CredentialPlace[] {
  const credential = policy?.tls?.credentialName
  return credential === undefined ? [] : [{ path: `${path}.tls.credentialName`, credential }]
}

/** As if nothing was said of TLS where a Secret is named. */
export const withoutCredentials = (spec: DestinationRuleSpec): DestinationRuleSpec => ({
  ...spec,
  ...(spec.trafficPolicy === undefined ? {} : { trafficPolicy: withoutIn(spec.trafficPolicy) }),
  subsets: spec.subsets.map((subset) =>
    subset.trafficPolicy === undefined ? subset : { ...subset, trafficPolicy: withoutIn(subset.trafficPolicy) },
  ),
})

const withoutIn = (policy: TrafficPolicySpec): TrafficPolicySpec => ({
  ...withoutOwn(policy),
  portLevelSettings: policy.portLevelSettings.map(withoutOwn),
})

function withoutOwn<Policy extends PolicySpec>(policy: Policy): Policy {
  return policy.tls?.credentialName === undefined ? policy : { ...policy, tls: undefined }
}
