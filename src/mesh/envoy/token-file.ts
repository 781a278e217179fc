import { create, createRegistry, toJson } from '@bufbuild/protobuf'
import {
  ApiVersion,
  CredentialInjectorSchema,
  DiscoveryResponseSchema,
  GenericSchema,
  SecretSchema,
  UpstreamCodecSchema,
} from './api.ts'
import { extension, pack } from './messages.ts'

/** A token that is replaced while Envoy runs, as kubelets replace those of service accounts. */
export interface TokenFile {
  /** A file with what `renderTokenSecret` writes. */
  readonly path: string
  /** The folder of the token: what is moved into it is read at once. */
  readonly directory: string
}

const tokenSecret = 'xds-token'

/** The file that names the token's file, as JSON text. */
export function renderTokenSecret(tokenPath: string): string {
  const secret = pack(SecretSchema, {
    name: tokenSecret,
    type: { case: 'genericSecret', value: { secret: { specifier: { case: 'filename', value: tokenPath } } } },
  })
  const response = create(DiscoveryResponseSchema, { versionInfo: '1', resources: [secret] })
  return JSON.stringify(toJson(DiscoveryResponseSchema, response, { registry: createRegistry(SecretSchema) }))
}

/** Filters that put the token on each request to the control plane. */
export const tokenFromFile = ({ path, directory }: TokenFile) => [
  extension('envoy.filters.http.credential_injector', CredentialInjectorSchema, {
    overwrite: true,
    credential: {
      name: 'envoy.http.injected_credentials.generic',
      typedConfig: pack(GenericSchema, {
        credential: {
          name: tokenSecret,
          sdsConfig: {
            resourceApiVersion: ApiVersion.V3,
            configSourceSpecifier: {
              case: 'pathConfigSource',
              value: { path, watchedDirectory: { path: directory } },
            },
          },
        },
      }),
    },
  }),
  extension('envoy.filters.http.upstream_codec', UpstreamCodecSchema, {}),
]

export const tokenFileMessages = [CredentialInjectorSchema, GenericSchema, UpstreamCodecSchema]
