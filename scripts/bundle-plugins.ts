import http from 'node:http'
import { sep } from 'node:path'
import type { Plugin } from 'rolldown'

const HTTP = '\0http'
/** What programs of browsers have. Reading one of these names loads a second HTTP client, in Node itself. */
const namesOfBrowsers: readonly string[] = ['WebSocket', 'CloseEvent', 'MessageEvent']

/** `import 'node:http'` reads every name of that module; of one that is required, those are read that are used. */
const requiredHttp: Plugin = {
  name: 'required-http',
  resolveId: (source, _, { kind }) => (/^(node:)?http$/.test(source) && kind === 'import-statement' ? HTTP : undefined),
  load(id) {
    if (id !== HTTP) return undefined
    const names = Object.keys(http).filter((name) => !namesOfBrowsers.includes(name))
    return [
      "import { createRequire } from 'node:module'",
      "const http = createRequire(import.meta.url)('node:http')",
      'export default http',
      `export const { ${names.join(', ')} } = http`,
    ].join('\n')
  },
}

const UNDICI = '\0undici'
/** Rooms and packages of servers, which ask for no more of undici than `dispatchers` gives. */
const askers = [
  ['src', 'kube', ''],
  ['src', 'analysis', ''],
  ['client-node', 'dist', ''],
].map((path) => path.join(sep))

/** fetch, WebSockets, caches and mocks are four fifths of undici, and all of it runs when one part is imported. */
const dispatchers: Plugin = {
  name: 'dispatchers-of-undici',
  resolveId: (source, importer = '') =>
    source === 'undici' && askers.some((path) => importer.includes(path)) ? UNDICI : undefined,
  load(id) {
    if (id !== UNDICI) return undefined
    return [
      "import connect from 'undici/lib/api/api-connect.js'",
      "import request from 'undici/lib/api/api-request.js'",
      "import Agent from 'undici/lib/dispatcher/agent.js'",
      "import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'",
      "import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js'",
      'Object.assign(Dispatcher.prototype, { connect, request })',
      'export { Agent, ProxyAgent }',
      // For parts of client-node that nobody calls.
      'export const fetch = (...request) => globalThis.fetch(...request)',
    ].join('\n')
  },
}

const NO_HTTP2 = '\0no-http2'

/** undici goes without it where it is missing, and nobody here lets it speak HTTP/2. */
const withoutHttp2: Plugin = {
  name: 'without-http2',
  resolveId: (source, importer = '') =>
    source === 'node:http2' && importer.endsWith('client-h2.js') ? NO_HTTP2 : undefined,
  load: (id) => (id === NO_HTTP2 ? 'module.exports = { constants: {} }' : undefined),
}

/** V8 keeps a source with one character beyond ASCII as text of two bytes a character. */
const asciiOnly: Plugin = {
  name: 'ascii-only',
  generateBundle(_, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type === 'chunk') file.code = file.code.replaceAll(/[^\0-\x7f]/g, escapeCharacter)
    }
  },
}

const escapeCharacter = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** What makes a program of the sources smaller than its parts. */
export const plugins: readonly Plugin[] = [requiredHttp, dispatchers, withoutHttp2, asciiOnly]
