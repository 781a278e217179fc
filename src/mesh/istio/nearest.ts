import { closest, distance } from 'fastest-levenshtein'

/** The word that was probably meant; undefined when none is like it. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const same = known.find((candidate) => isSameWord(candidate, word))
  if (same !== undefined || known.length === 0 || word === '') return same
  const found = closest(word, known)
  return distance(word, found) <= Math.min(2, Math.floor(word.length / 3)) ? found : undefined
}

/** Equal but for case, dashes and underscores. */
export const isSameWord = (left: string, right: string): boolean => plain(left) === plain(right)

const plain = (word: string): string => word.toLowerCase().replace(/[-_ ]/g, '')

/** The host that was probably meant: one of a name like it, or of the same name in another namespace. */
export function nearestHost(host: string, known: readonly string[]): string | undefined {
  const [name = '', ...rest] = host.split('.')
  const others = known.filter((candidate) => candidate !== host)
  const near = nearest(name, others.filter((each) => each.endsWith(`.${rest.join('.')}`)).map(nameOf))
  if (near !== undefined) return [near, ...rest].join('.')
  return others.find((candidate) => nameOf(candidate) === name) ?? nearest(host, others)
}

const nameOf = (host: string): string => host.split('.')[0] ?? ''

/** `; did you mean X?`, or nothing. */
export const didYouMean = (found: string | undefined): string => (found === undefined ? '' : `; did you mean ${found}?`)
