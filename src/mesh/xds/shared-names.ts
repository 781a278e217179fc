import { remember } from '../../base/index.ts'
import type { Resources } from './resources.ts'

type Names = ReadonlySet<string>

const MANY = 50

const namesOf = remember((resources: Resources): Names => new Set(resources.keys()))
const isSame = remember((asked: Names) =>
  remember((offered: Names) => asked.size === offered.size && [...asked].every((name) => offered.has(name))),
)

/** The same names. Who asks for all that there is shares one set with all others that do: each names a thousand. */
export function shareNames<Asked extends 'all' | Names | undefined>(asked: Asked, resources: Resources): Asked | Names {
  if (!(asked instanceof Set) || asked.size < MANY || asked.size !== resources.size) return asked
  const offered = namesOf(resources)
  return asked !== offered && isSame(asked)(offered) ? offered : asked
}
