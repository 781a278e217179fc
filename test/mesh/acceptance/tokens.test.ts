import { createHmac } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { configMapKind, requestAuthenticationKind } from '../../../src/api/index.ts'
import { eventually } from '../../support/eventually.ts'
import { createTokenIssuer } from '../../support/json-web-token.ts'
import { readSecurity, type SecurityWorld, startSecurityWorld } from '../../support/security-world.ts'

const pods = ['default/client', 'default/api-gateway'] as const
const issuer = 'https://auth.example.com'
const { keySet, tokenOf } = createTokenIssuer(issuer)
const stranger = createTokenIssuer(issuer)

/** What the issuer answers, by address; nothing is a server that is down. */
const served = new Map<string, string>()
const fetchText = (url: string): Promise<string> => {
  const text = served.get(url)
  return text === undefined ? Promise.reject(new Error('connect ECONNREFUSED')) : Promise.resolve(text)
}
const keysUrl = `${issuer}/.well-known/jwks.json`

let world: SecurityWorld<(typeof pods)[number]>
beforeAll(async () => {
  world = await startSecurityWorld(pods, { keys: { fetchText, refreshMs: 200, retryMs: 100 } })
})
afterEach(async () => {
  served.clear()
  await world?.reset()
})
afterAll(() => world?.stop())

const ask = (headers: Record<string, string> = {}, path = '/') =>
  world.ask('default/client', 'default/api-gateway', { headers, path })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const lastHeaders = () => world.app('default/api-gateway').requests.at(-1)?.headers ?? {}
const conditionOf = (name: string) =>
  world.api
    .list(requestAuthenticationKind)
    .find(({ metadata }) => metadata.name === name)
    ?.status?.conditions?.find(({ type }) => type === 'Programmed')

const untilAnswered = (headers: Record<string, string>, status: number) =>
  eventually(async () => expect(await ask(headers)).toMatchObject({ status }))

describe('S04-7-jwt', () => {
  beforeAll(() => {
    served.set(keysUrl, keySet)
  })

  test('no token passes, a right one passes and is handed on, a wrong one does not pass', async () => {
    await world.place(...(await readSecurity('S04-7-jwt')))
    await untilAnswered(bearer('nonsense'), 401)
    const token = tokenOf()
    await untilAnswered(bearer(token), 200)
    expect(lastHeaders()).toMatchObject({ authorization: `Bearer ${token}`, 'x-jwt-payload': token.split('.')[1] })
    expect(await ask()).toMatchObject({ status: 200 })
    const forged = `${token.split('.').slice(0, 2).join('.')}.${createHmac('sha256', 'x').update(token).digest('base64url')}`
    const wrong = {
      forged,
      'by a stranger': stranger.tokenOf(),
      'of another issuer': tokenOf({ iss: 'https://elsewhere.example.com' }),
      expired: tokenOf({ exp: Math.floor(Date.now() / 1_000) - 120 }),
    }
    for (const [what, text] of Object.entries(wrong)) {
      expect([what, (await ask(bearer(text))).status]).toEqual([what, 401])
    }
  })
})

const rule = (spec: object, name = 'tokens') => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'RequestAuthentication',
  metadata: { name, namespace: 'default' },
  spec: { selector: { matchLabels: { app: 'api-gateway' } }, jwtRules: [spec] },
})
const allow = (rules: readonly object[], name = 'allow') => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: 'default' },
  spec: { selector: { matchLabels: { app: 'api-gateway' } }, rules },
})

describe('tokens', () => {
  test('may be in headers, parameters and cookies, and their claims in headers of their own', async () => {
    await world.place(
      rule({
        issuer,
        jwks: keySet,
        fromHeaders: [{ name: 'x-token', prefix: 'Token ' }],
        fromParams: ['token'],
        fromCookies: ['session'],
        outputClaimToHeaders: [{ header: 'x-subject', claim: 'sub' }],
      }),
    )
    await untilAnswered({ 'x-token': 'Token nonsense' }, 401)
    const token = tokenOf()
    for (const [headers, path] of [
      [{ 'x-token': `Token ${token}` }, '/'],
      [{}, `/?token=${token}`],
      [{ cookie: `session=${token}` }, '/'],
    ] as const) {
      expect(await ask(headers, path)).toMatchObject({ status: 200 })
      expect(lastHeaders()).toMatchObject({ 'x-subject': 'alice' })
      expect(lastHeaders()).not.toHaveProperty('x-token')
    }
    expect(await ask({ cookie: 'session=x' })).toMatchObject({ status: 401 })
  })

  test('are asked for by principal, claim, audience and scope', async () => {
    const when = (key: string, ...values: readonly string[]) => [{ when: [{ key, values }] }]
    const rows: readonly (readonly [string, readonly object[], object | undefined, number])[] = [
      ['any token', [{ from: [{ source: { requestPrincipals: ['*'] } }] }], {}, 200],
      ['none', [{ from: [{ source: { requestPrincipals: ['*'] } }] }], undefined, 403],
      ['the principal', [{ from: [{ source: { requestPrincipals: [`${issuer}/alice`] } }] }], {}, 200],
      ['of an issuer', [{ from: [{ source: { requestPrincipals: [`${issuer}/*`] } }] }], {}, 200],
      ['another', [{ from: [{ source: { requestPrincipals: [`${issuer}/bob`] } }] }], {}, 403],
      ['not another', [{ from: [{ source: { notRequestPrincipals: [`${issuer}/bob`] } }] }], {}, 200],
      ['a claim', when('request.auth.claims[group]', 'admins'), { group: 'admins' }, 200],
      ['one of a list', when('request.auth.claims[group]', 'adm*'), { group: ['users', 'admins'] }, 200],
      ['a nested claim', when('request.auth.claims[realm][role]', 'owner'), { realm: { role: 'owner' } }, 200],
      ['another claim', when('request.auth.claims[group]', 'admins'), { group: 'users' }, 403],
      ['a scope', when('request.auth.claims[scope]', 'write'), { scope: 'read write' }, 200],
      ['an audience', when('request.auth.audiences', 'shop'), { aud: ['shop', 'bank'] }, 200],
      ['another audience', when('request.auth.audiences', 'shop'), { aud: 'bank' }, 403],
      ['a header', when('request.headers[x-side]', 'left'), {}, 403],
    ]
    await world.place(rule({ issuer, jwks: keySet }))
    for (const [index, [what, rules, claims, status]] of rows.entries()) {
      // A second rule that is known to hold says when the first is in force.
      const marker = { to: [{ operation: { paths: [`/row-${index}`] } }] }
      await world.place(allow([...rules, marker]))
      await eventually(async () => expect([what, (await ask({}, `/row-${index}`)).status]).toEqual([what, 200]))
      const headers = claims === undefined ? {} : bearer(tokenOf(claims))
      // A connection from before answers once more.
      await eventually(async () => expect([what, (await ask(headers, '/else')).status]).toEqual([what, status]))
    }
  })
})

describe('keys that cannot be had', () => {
  test('every token is refused until they can, the object says so, and others go on', async () => {
    await world.place(rule({ issuer, jwksUri: keysUrl }))
    await eventually(() =>
      expect(conditionOf('tokens')).toMatchObject({
        status: 'False',
        reason: 'KeysUnavailable',
        message: `the keys at ${keysUrl} cannot be fetched (connect ECONNREFUSED): every token is refused`,
      }),
    )
    await untilAnswered(bearer(tokenOf()), 401)
    expect(await ask()).toMatchObject({ status: 200 })
    served.set(keysUrl, keySet)
    await untilAnswered(bearer(tokenOf()), 200)
    await eventually(() => expect(conditionOf('tokens')).toMatchObject({ status: 'True' }))
    served.set(keysUrl, '{"keys":[]}')
    await eventually(() =>
      expect(conditionOf('tokens')?.message).toMatch(/no JSON Web Key Set.*those that were fetched before still count/),
    )
    expect(await ask(bearer(tokenOf()))).toMatchObject({ status: 200 })
  })

  test('the last ones count on when the control plane starts again while they cannot', async () => {
    served.set(keysUrl, keySet)
    await world.place(rule({ issuer, jwksUri: keysUrl }))
    await untilAnswered(bearer(stranger.tokenOf()), 401)
    await untilAnswered(bearer(tokenOf()), 200)
    await eventually(() => expect(JSON.stringify(world.api.list(configMapKind))).toContain(keysUrl))
    served.clear()
    await world.restartMesh()
    await eventually(() => expect(world.mesh().views.statuses()).toHaveLength(pods.length))
    await eventually(() => expect(conditionOf('tokens')?.message).toMatch(/those that were fetched before still count/))
    // Nothing is left of the life before.
    await eventually(() =>
      expect(
        world
          .mesh()
          .views.statuses()
          .every(({ types }) => types.listener === 'SYNCED'),
      ).toBe(true),
    )
    expect(await ask(bearer(tokenOf()))).toMatchObject({ status: 200 })
    expect(await ask(bearer(stranger.tokenOf()))).toMatchObject({ status: 401 })
  })

  test('an issuer says by its OpenID configuration where they are', async () => {
    served.set(`${issuer}/.well-known/openid-configuration`, JSON.stringify({ jwks_uri: keysUrl }))
    served.set(keysUrl, keySet)
    await world.place(rule({ issuer }))
    await untilAnswered(bearer(stranger.tokenOf()), 401)
    await untilAnswered(bearer(tokenOf()), 200)
  })

  test('keys that are exchanged are fetched', async () => {
    served.set(keysUrl, keySet)
    await world.place(rule({ issuer, jwksUri: keysUrl }))
    await untilAnswered(bearer(tokenOf()), 200)
    served.set(keysUrl, stranger.keySet)
    await untilAnswered(bearer(stranger.tokenOf()), 200)
    // A connection from before answers once more.
    await untilAnswered(bearer(tokenOf()), 401)
  })
})
