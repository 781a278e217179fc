import { create, createRegistry, type MessageInitShape, toJson } from '@bufbuild/protobuf'
import {
  ApiVersion,
  type ClusterSchema,
  DiscoveryResponseSchema,
  SubjectAltNameMatcher_SanType as SanType,
  SecretSchema,
  UpstreamTlsContextSchema,
} from './api.ts'
import { extension, pack } from './messages.ts'
import { trustSecret } from './secret.ts'
import { tlsVersions } from './tls.ts'

/** How a proxy knows its control plane. */
export interface XdsTrust {
  /** A file with what `renderXdsTrust` writes. */
  readonly path: string
  /** The folder of the roots: what is moved into it is read at once. */
  readonly directory: string
  /** The SPIFFE URI of the control plane. */
  readonly identity: string
}

/** The file that names the roots for the control plane's certificate, as JSON text. */
export function renderXdsTrust(roots: { readonly directory: string; readonly path: string }): string {
  const secret = pack(SecretSchema, {
    name: trustSecret,
    type: {
      case: 'validationContext',
      value: {
        trustedCa: {
          specifier: { case: 'filename', value: roots.path },
          watchedDirectory: { path: roots.directory },
        },
      },
    },
  })
  const response = create(DiscoveryResponseSchema, { versionInfo: '1', resources: [secret] })
  return JSON.stringify(toJson(DiscoveryResponseSchema, response, { registry: createRegistry(SecretSchema) }))
}

export const controlPlaneTls = (
  trust: XdsTrust,
): NonNullable<MessageInitShape<typeof ClusterSchema>['transportSocket']> =>
  extension('envoy.transport_sockets.tls', UpstreamTlsContextSchema, {
    commonTlsContext: {
      tlsParams: tlsVersions,
      alpnProtocols: ['h2'],
      validationContextType: {
        case: 'combinedValidationContext',
        value: {
          defaultValidationContext: {
            matchTypedSubjectAltNames: [
              {
                sanType: SanType.URI,
                matcher: { matchPattern: { case: 'exact', value: trust.identity } },
              },
            ],
          },
          validationContextSdsSecretConfig: {
            name: trustSecret,
            sdsConfig: {
              resourceApiVersion: ApiVersion.V3,
              configSourceSpecifier: {
                case: 'pathConfigSource',
                value: { path: trust.path, watchedDirectory: { path: trust.directory } },
              },
            },
          },
        },
      },
    },
  })
