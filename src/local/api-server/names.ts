const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const DNS1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/

/** Why a text is no such name, in Kubernetes' words; undefined when it is one. */
type NameCheck = (name: string) => string | undefined

export const dns1123LabelError: NameCheck = (name) => {
  if (name.length > 63) return 'must be no more than 63 bytes'
  if (LABEL.test(name)) return undefined
  return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
}

export const dns1123SubdomainError: NameCheck = (name) => {
  if (name.length > 253) return 'must be no more than 253 bytes'
  if (SUBDOMAIN.test(name)) return undefined
  return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
}

export const dns1035LabelError: NameCheck = (name) => {
  if (name.length > 63) return 'must be no more than 63 bytes'
  if (DNS1035.test(name)) return undefined
  return "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
}

/** Names of RBAC objects may hold anything that is one segment of a path. */
export const pathSegmentError: NameCheck = (name) => {
  if (name === '.' || name === '..') return `may not be '${name}'`
  if (name.includes('/')) return "may not contain '/'"
  return name.includes('%') ? "may not contain '%'" : undefined
}

export const qualifiedNameError: NameCheck = (name) => {
  const parts = name.split('/')
  const [prefix, rest] = parts.length === 2 ? parts : [undefined, parts[0]]
  const why =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
  if (parts.length > 2 || rest === undefined || rest.length > 63 || !QUALIFIED.test(rest)) return why
  if (prefix === undefined) return undefined
  const prefixError = dns1123SubdomainError(prefix)
  return prefixError === undefined ? undefined : `prefix part ${prefixError}`
}

export const labelValueError: NameCheck = (value) => {
  if (value === '' || (value.length <= 63 && QUALIFIED.test(value))) return undefined
  return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
}
