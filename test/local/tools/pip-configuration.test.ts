import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parsePipFile, readPipConfiguration } from '../../../src/local/tools/pip-configuration.ts'
import { temporaryDirectory } from '../../support/directory.ts'

test.each<[string, string, object]>([
  ['one setting', '[global]\nindex-url = https://a/simple\n', { 'index-url': 'https://a/simple' }],
  ['a colon, underscores and capitals', '[global]\nIndex_URL: https://a', { 'index-url': 'https://a' }],
  ['comments and empty lines', '# x\n\n[global]\n; y\ncert=/ca.pem', { cert: '/ca.pem' }],
  [
    'a value over several lines',
    '[global]\nextra-index-url =\n  https://a\n  https://b\ncert = /c',
    { 'extra-index-url': 'https://a https://b', cert: '/c' },
  ],
  ['the section of its command', '[download]\ncert = /d\n[install]\ncert = /i\n', { cert: '/d' }],
  ['an address with equal signs', '[global]\nindex-url = https://a/?x=1\n', { 'index-url': 'https://a/?x=1' }],
])('a file of pip with %s', (_, text, settings) => {
  expect(Object.fromEntries(parsePipFile(text))).toEqual(settings)
})

describe('the configuration', () => {
  const nowhere = { HOME: '/nowhere', XDG_CONFIG_DIRS: '/nowhere', PIP_CONFIG_FILE: '/dev/null' }

  test.each<[string, Record<string, string>, object]>([
    ['is the public index at first', {}, { indexes: ['https://pypi.org/simple'] }],
    ['takes the index of the variable', { PIP_INDEX_URL: 'https://a' }, { indexes: ['https://a'] }],
    [
      'adds more indexes',
      { PIP_INDEX_URL: 'https://a', PIP_EXTRA_INDEX_URL: 'https://b https://c' },
      { indexes: ['https://a', 'https://b', 'https://c'] },
    ],
    ['can forbid all', { PIP_NO_INDEX: '1' }, { indexes: [] }],
    ['names certificates', { PIP_CERT: '/ca' }, { indexes: ['https://pypi.org/simple'], certificates: '/ca' }],
  ])('%s', (_, variables, configuration) => {
    expect(readPipConfiguration({ ...nowhere, ...variables })).toEqual(configuration)
  })

  test('of a file is overruled by a variable', async () => {
    await using folder = await temporaryDirectory()
    const file = join(folder.path, 'pip.conf')
    await writeFile(file, '[global]\nindex-url = https://file\ncert = /file.pem\n')
    const environment = { ...nowhere, PIP_CONFIG_FILE: file }
    expect(readPipConfiguration(environment)).toEqual({ indexes: ['https://file'], certificates: '/file.pem' })
    expect(readPipConfiguration({ ...environment, PIP_INDEX_URL: 'https://variable' })).toEqual({
      indexes: ['https://variable'],
      certificates: '/file.pem',
    })
  })
})
