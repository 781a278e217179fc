/** The users of the shop: 40 requests a second, and every two seconds a line on who answered them. */
import { createServer } from 'node:http'

const { SHOP_SERVICE_HOST, SHOP_SERVICE_PORT, HOST = '127.0.0.1', PORT = '8080' } = process.env
const answers = new Map()

async function ask() {
  const outcome = await fetch(`http://${SHOP_SERVICE_HOST}:${SHOP_SERVICE_PORT}/`).then(
    async (response) => {
      await response.text()
      return `${response.headers.get('x-version') ?? 'nobody'}: ${response.status}`
    },
    () => 'no answer',
  )
  answers.set(outcome, (answers.get(outcome) ?? 0) + 1)
}

function tell() {
  const counted = [...answers].toSorted().map(([outcome, count]) => `${outcome} x ${count}`)
  process.stdout.write(`${counted.join('   ')}\n`)
  answers.clear()
}

setInterval(ask, 25)
setInterval(tell, 2_000)
createServer((_request, response) => response.end('ready')).listen(Number(PORT), HOST)
process.on('SIGTERM', () => process.exit(0))
