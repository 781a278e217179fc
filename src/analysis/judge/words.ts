/** A share as people read it: 0.0125 is 1.25%. */
export const percent = (share: number): string => `${Number((100 * share).toPrecision(3))}%`

/** An e-value as people read it: how many times likelier the findings are if the version is worse. */
export const times = (log: number): string => `${Number(Math.exp(Math.min(log, 23)).toPrecision(3))}`
