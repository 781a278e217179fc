import type { ObjectKey } from '../../model/index.ts'
import type { Diagnostic, DiagnosticCode } from '../diagnostic.ts'
import type { Path } from '../path.ts'

/** An object among those that were given. */
export interface Given {
  readonly index: number
  readonly key: ObjectKey
}

/** What is wrong with the `index`-th object. */
export interface Found extends Diagnostic {
  readonly index: number
}

const found =
  (severity: Diagnostic['severity']) =>
  (code: DiagnosticCode, { index, key }: Given, path: Path, message: string): Found => {
    return { index, severity, code, object: key, path, message }
  }

export const error = found('error')
export const warning = found('warning')
export const info = found('info')

/** `shop/web`, as messages call objects of the same kind. */
export const nameOf = ({ key }: Given): string => `${key.namespace}/${key.name}`

/** Pairs of the object and an earlier one of which the same is true. */
export const withEarlier = <T extends Given>(
  objects: readonly T[],
  isSame: (earlier: T, later: T) => boolean,
): readonly { readonly later: T; readonly earlier: T }[] =>
  objects.flatMap((later, at) => {
    const earlier = objects.slice(0, at).find((candidate) => isSame(candidate, later))
    return earlier === undefined ? [] : [{ later, earlier }]
  })
