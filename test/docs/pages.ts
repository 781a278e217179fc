import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** A page of the documentation; paths are those of the repository. */
export interface Page {
  readonly path: string
  readonly text: string
}

export const readPage = (path: string): Page => ({ path, text: readFileSync(join(root, path), 'utf8') })

/** Everything that a user reads, but for what is generated and the record of what was decided and measured. */
export const pages: readonly Page[] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'charts/sluice/README.md',
  ...globSync(['docs/*.md', 'samples/**/*.md', 'packages/**/*.md'], { cwd: root }),
].map(readPage)

/** Links to files of the repository: the file, and the heading after `#`. */
export function linksOf({ path, text }: Page): readonly { readonly file: string; readonly heading: string }[] {
  return [...withoutCode(text).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(
    ([, file = '', heading = '']) => ({
      file: file === '' ? path : join(dirname(path), file),
      heading,
    }),
  )
}

/** As GitHub makes them of headings. */
export const anchorsOf = ({ text }: Page): readonly string[] =>
  [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

const withoutCode = (text: string): string => text.replaceAll(/^```.*?^```$/gms, '')

/** The calls of `sluice` in code: words after the name, up to the end of the command. */
export function commandsOf({ text }: Page): readonly (readonly string[])[] {
  const blocks = [...text.matchAll(/^ *```(?:sh)?\n(.*?)^ *```$/gms)].flatMap(([, block = '']) => block.split('\n'))
  const spans = [...withoutCode(text).matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span)
  return [...blocks, ...spans].flatMap(callsIn)
}

function callsIn(line: string): readonly (readonly string[])[] {
  const [command = ''] = line.split(/ #| {2,}#/)
  return command
    .split(/ (?:&&|\||;|>|&) ?|; /)
    .map((part) =>
      part
        .trim()
        .replace(/^\$ /, '')
        .replace(/^sudo /, '')
        .replace(/^npm run sluice -- /, 'sluice '),
    )
    .filter((part) => part.startsWith('sluice '))
    .map((part) => part.split(/\s+/).slice(1))
}
