/** Where a field is in an object: names, and indices in lists. */
export type Path = readonly (string | number)[]

/** `spec.http[0].route` */
export const renderPath = (path: Path): string =>
  path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${part}`)).join('')
