/** What no mesh needs, and what nobody may make the server keep. */
const MOST_NAMES = 100_000
const LONGEST_NAME = 1_000

export const TOO_MANY_NAMES = `it names more than ${MOST_NAMES} resources`

/** What is too much of a request's names, for people; undefined for what proxies ask. */
export function excessOf(names: readonly string[]): string | undefined {
  if (isTooMuch(names.length)) return TOO_MANY_NAMES
  return names.some(({ length }) => length > LONGEST_NAME)
    ? `a resource name has more than ${LONGEST_NAME} characters`
    : undefined
}

/** Of so many names that a stream asks for by now. */
export const isTooMuch = (count: number): boolean => count > MOST_NAMES
