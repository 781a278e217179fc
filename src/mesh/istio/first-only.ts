/** Says of each text whether it is the first time that it is asked for. */
export function createFirstOnly(): (text: string) => boolean {
  const known = new Set<string>()
  return (text) => {
    if (known.has(text)) return false
    known.add(text)
    return true
  }
}
