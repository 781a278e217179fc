import { describe, expect, test } from 'vitest'
import { runSluice } from '../support/run-sluice.ts'

describe('sluice', () => {
  const rows: readonly [string, readonly string[], number, RegExp][] = [
    ['--help lists the exit codes', ['--help'], 0, /3 +the release was rolled back/],
    ['an unknown command is a usage error with a suggestion', ['promot', 'web'], 2, /Did you mean promote/],
    ['an unknown option is a usage error', ['wait', 'web', '--timeot', '1m'], 2, /Did you mean --timeout/],
    [
      'a timeout that is no duration names the option',
      ['wait', 'web', '--timeout', 'soon'],
      2,
      /--timeout: "soon" is not a duration/,
    ],
    [
      'an unknown scenario names the known ones',
      ['demo', '--scenario', 'nope'],
      2,
      /good, errors, slow, mirrored-errors/,
    ],
    ['an unreadable kubeconfig is named', ['get', 'canary', '--kubeconfig', '/nowhere'], 1, /\/nowhere/],
    ['a controller whose kubeconfig can not be read ends', ['controller', '--kubeconfig', '/nowhere'], 1, /\/nowhere/],
    ['and so does a mesh', ['mesh', '--kubeconfig', '/nowhere'], 1, /\/nowhere cannot be read/],
  ]
  test.each(rows)('%s', async (_title, words, code, text) => {
    const ended = await runSluice(words)
    expect(ended.code).toBe(code)
    expect(`${ended.out}${ended.err}`).toMatch(text)
    expect(ended.err).not.toMatch(/ at .*\.ts:\d+/)
  })
})
