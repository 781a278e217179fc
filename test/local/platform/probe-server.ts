/** Stands for `sluice mesh` and `sluice controller` in tests of how they are run: answers its probes, and obeys. */
import { createServer } from 'node:http'

const [host = '', port] = (process.argv[process.argv.indexOf('--listen') + 1] ?? '').split(':')
if (process.argv.includes('--fail')) {
  process.stderr.write('cannot listen: the moon is full\n')
  process.exit(3)
}
createServer((request, response) => response.end(request.url === '/pid' ? String(process.pid) : 'ok')).listen(
  Number(port),
  host,
)
