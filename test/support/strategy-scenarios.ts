import { expect, test } from 'vitest'
import { abortAnnotation, canaryKind, virtualServiceKind } from '../../src/api/index.ts'
import { setGate } from '../../src/cli/commands/set-gate.ts'
import { newRoutesOf, type Stage, type StagedApp, startStagedApp } from './staged-app.ts'

const TIMEOUT_MS = 400_000
const namespace = 'strategies'
const ref = { namespace, name: 'web' }

/** Each strategy beside plain weights, one after the other on one app. Gates hold what is to be looked at. */
export function describeStrategies(stage: () => Stage): void {
  const say = (analysis: object) => stage().client.patch(canaryKind, ref, { spec: { analysis } }, { type: 'merge' })

  /** Name, conditions and weights of each rule of the route. */
  async function rules() {
    const route = await stage().client.get(virtualServiceKind, ref)
    return (route?.spec.http ?? []).map(({ name, match, route: split }) => ({
      name,
      ...(match && { match }),
      weights: split?.map(({ weight }) => weight),
      cookies: split?.map(({ headers }) => headers?.response?.add?.['Set-Cookie'] !== undefined),
    }))
  }

  const waiting = (app: StagedApp) =>
    app.until('it passed its steps', ({ status }) => expect(status?.phase).toBe('WaitingPromotion'))

  const bare = { cookies: [false, false] }

  test.concurrent(
    'requests that match, all at once, and shares for users who stay, one strategy after the other',
    async () => {
      const match = [{ headers: { 'x-user': { exact: 'beta' } } }, { queryParams: { beta: { exact: '1' } } }]
      const manualGates = ['confirm-promotion']
      const tested = { stepWeights: undefined, mirror: false, iterations: 2, match, manualGates }
      const app = await startStagedApp(stage(), { namespace, analysis: tested })
      const routes = newRoutesOf(app)
      await app.setImage('1.1.0')
      await waiting(app)
      expect(await rules()).toEqual([
        { name: 'matched', match, weights: [0, 100], ...bare },
        { name: 'split', weights: [100, 0], ...bare },
      ])
      await setGate(stage().client, ref, 'open')
      expect(app.steps(await app.ended('1.1.0'))).toEqual(['match 100 passed'])
      expect(routes()).toEqual(['0+0', '100+0', '0+0'])

      await say({ match: null, manualGates: null, mirror: true, stepWeightPromotion: 50 })
      await app.setImage('1.2.0')
      const steps = ['mirror 0 passed', 'weight 100 passed', 'promotion 50 passed', 'promotion 0 passed']
      expect(app.steps(await app.ended('1.2.0'))).toEqual(steps)
      expect(routes()).toEqual(['0+100', '100+0', '50+0', '0+0'])

      const sessionAffinity = { cookieName: 'seen', primaryCookieName: 'stays' }
      const shares = { stepWeight: 40, maxWeight: 50, sessionAffinity }
      await say({ iterations: null, mirror: false, stepWeightPromotion: null, manualGates, ...shares })
      await app.setImage('1.3.0')
      const { status } = await waiting(app)
      const holding = (cookie: string) => [
        { headers: { cookie: { regex: `(.*;\\s*)?${cookie}=${status?.lastAppliedSpec}(;.*)?` } } },
      ]
      expect(await rules()).toEqual([
        { name: 'kept-canary', match: holding('seen'), weights: [0, 100], ...bare },
        { name: 'kept-primary', match: holding('stays'), weights: [100, 0], ...bare },
        { name: 'split', weights: [50, 50], cookies: [true, true] },
      ])
      await app.annotate(abortAnnotation)
      expect(app.steps(await app.ended('1.3.0'))).toEqual(['weight 40 passed', 'weight 50 failed'])
      expect(routes()).toEqual(['40+0', '50+0', '0+0'])
      expect(await rules()).toEqual([{ name: 'split', weights: [100, 0], ...bare }])
      await app.stop()
    },
    TIMEOUT_MS,
  )
}
