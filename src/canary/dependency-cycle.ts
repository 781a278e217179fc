type Way = readonly string[]

/** The shortest way from a name back to itself, both ends named; undefined where there is none. */
export function cycleOf(start: string, dependenciesOf: (name: string) => Way): Way | undefined {
  const seen = new Set<string>()
  let ways: readonly Way[] = [[start]]
  while (ways.length > 0) {
    const longer = ways.flatMap((way) => dependenciesOf(way.at(-1) ?? start).map((name) => [...way, name]))
    const back = longer.find((way) => way.at(-1) === start)
    if (back) return back
    ways = longer.filter((way) => isNew(seen, way.at(-1) ?? start))
  }
  return undefined
}

function isNew(seen: Set<string>, name: string): boolean {
  const isNewName = !seen.has(name)
  seen.add(name)
  return isNewName
}
