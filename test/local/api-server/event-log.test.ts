import { expect, test } from 'vitest'
import { type Change, createEventLog } from '../../../src/local/api-server/storage/event-log.ts'

const change = (revision: number, resource = '/pods'): Change => ({
  type: 'MODIFIED',
  resource,
  key: 'default/a',
  revision,
  object: {},
  previous: {},
})

test('answers what came after a version, or that it has forgotten some of it', () => {
  const log = createEventLog(10, 4)
  for (let revision = 11; revision <= 16; revision += 1) log.append(change(revision))
  log.append(change(17, '/nodes'))
  const since = (revision: number) => log.since('/pods', revision)?.map((one) => one.revision)
  expect([9, 10, 11, 12, 14, 16, 17].map(since)).toEqual([
    undefined,
    undefined,
    undefined,
    [13, 14, 15, 16],
    [15, 16],
    [],
    [],
  ])
  expect(log.since('/nodes', 10)?.map((one) => one.revision)).toEqual([17])
})
