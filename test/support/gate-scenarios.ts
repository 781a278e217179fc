import { expect, test } from 'vitest'
import { canaryKind, gatesAnnotation, type ManualGate } from '../../src/api/index.ts'
import { setGate } from '../../src/cli/commands/set-gate.ts'
import { eventually } from './eventually.ts'
import { startServer } from './http-server.ts'
import { type Stage, startStagedApp } from './staged-app.ts'

const TIMEOUT_MS = 400_000
const namespace = 'gates'

const types = [
  ...['confirm-rollout', 'pre-rollout', 'rollout', 'confirm-traffic-increase'],
  ...['confirm-promotion', 'rollback', 'post-rollout', 'event'],
]

/** Webhooks at their places in a release, and gates that people open. */
export function describeGates(stage: () => Stage): void {
  test.concurrent(
    'each webhook has its place, and the one for it takes a release back',
    async () => {
      const refused = new Set(['confirm-rollout', 'confirm-traffic-increase', 'confirm-promotion', 'rollback'])
      await using hooks = await startServer((response, { path }) =>
        response.writeHead(refused.has(path.slice(1)) ? 403 : 200).end(),
      )
      const webhooks = types.map((type) => ({ name: type, type, url: `${hooks.url}/${type}`, timeout: '30s' }))
      const phasesTold = (type: string) =>
        hooks.requests.filter(({ path }) => path === `/${type}`).map(({ body }) => JSON.parse(body).phase)
      const app = await startStagedApp(stage(), { namespace, analysis: { webhooks, mirror: false } })
      const waits = (phase: string, weight: number, gate: string) =>
        app.until(`it waits for ${gate}`, ({ status }) =>
          expect([status?.phase, status?.canaryWeight, status?.message]).toEqual([
            phase,
            weight,
            `waiting for confirmation: hook "${gate}" answered 403`,
          ]),
        )

      await app.setImage('1.1.0')
      await waits('Waiting', 0, 'confirm-rollout')
      expect([(await app.deployment('web')).spec.replicas, phasesTold('pre-rollout')]).toEqual([0, []])
      refused.delete('confirm-rollout')
      await waits('Progressing', 0, 'confirm-traffic-increase')
      expect(phasesTold('pre-rollout')).toEqual(['Progressing'])
      refused.delete('confirm-traffic-increase')
      await waits('WaitingPromotion', 50, 'confirm-promotion')
      expect(new Set(phasesTold('rollout'))).toContain('Progressing')
      refused.delete('rollback')
      const run = await app.ended('1.1.0')
      expect([run.status?.phase, run.status?.reason]).toEqual(['Failed', 'RollbackRequested'])
      expect(app.routes).toEqual(['0+0', '50+0', '0+0'])
      await eventually(() => expect(phasesTold('post-rollout')).toEqual(['Failed']), { within: 60_000 })
      await app.stop()
    },
    TIMEOUT_MS,
  )

  test.concurrent(
    'what people open is open for one revision',
    async () => {
      const { client } = stage()
      const byHand = { namespace: 'gates-by-hand', name: 'web' }
      const manualGates = ['confirm-rollout', 'confirm-promotion']
      const analysis = { mirror: false, manualGates }
      const app = await startStagedApp(stage(), { namespace: byHand.namespace, analysis })
      const stands = (version: string, phase: string) =>
        app.until(`${version} is ${phase}`, ({ status }) =>
          expect([status?.version?.includes(`-> web:${version}`), status?.phase]).toEqual([true, phase]),
        )
      const open = (gate: ManualGate) => setGate(client, byHand, 'open', gate)

      await app.setImage('1.1.0')
      await stands('1.1.0', 'Waiting')
      await open('confirm-rollout')
      await stands('1.1.0', 'WaitingPromotion')
      await app.setImage('1.2.0')
      await stands('1.2.0', 'Waiting')
      expect((await app.deployment('web-primary')).spec.template.spec.containers[0]?.image).toBe('demo/web:1.0.0')
      await open('confirm-rollout')
      await stands('1.2.0', 'WaitingPromotion')
      await open('confirm-promotion')
      expect((await app.ended('1.2.0')).status?.phase).toBe('Succeeded')
      await eventually(
        async () =>
          expect((await client.get(canaryKind, byHand))?.metadata.annotations?.[gatesAnnotation]).toBeUndefined(),
        { within: 60_000 },
      )
      await app.stop()
    },
    TIMEOUT_MS,
  )
}
