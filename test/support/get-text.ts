import { request } from 'node:http'

/** The body of an answer, over a connection of its own. Unlike fetch it refuses no port. */
export const getText = (address: { readonly host: string; readonly port: number }): Promise<string> =>
  new Promise((resolve, reject) => {
    const sent = request({ ...address, agent: false }, (response) => {
      response.setEncoding('utf8')
      let text = ''
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve(text))
      response.on('error', reject)
    })
    sent.on('error', (error: NodeJS.ErrnoException) => reject(new Error(error.code)))
    sent.end()
  })
