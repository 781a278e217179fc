const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const rules: readonly { readonly below: number; readonly show: (seconds: number) => string }[] = [
  { below: 2 * MINUTE, show: (s) => `${s}s` },
  { below: 10 * MINUTE, show: (s) => two(s, MINUTE, 'm', 1, 's') },
  { below: 3 * HOUR, show: (s) => `${Math.floor(s / MINUTE)}m` },
  { below: 8 * HOUR, show: (s) => two(s, HOUR, 'h', MINUTE, 'm') },
  { below: 2 * DAY, show: (s) => `${Math.floor(s / HOUR)}h` },
  { below: 8 * DAY, show: (s) => two(s, DAY, 'd', HOUR, 'h') },
  { below: 2 * 365 * DAY, show: (s) => `${Math.floor(s / DAY)}d` },
]

/** Kubernetes' short form of a length: 90s, 3m4s, 25m, 2d3h. */
export function humanDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const rule = rules.find((one) => whole < one.below)
  return rule === undefined ? `${Math.floor(whole / (365 * DAY))}y` : rule.show(whole)
}

// biome-ignore lint/complexity/useMaxParams: two units with their lengths belong together
function two(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small)
  const first = `${Math.floor(seconds / large)}${largeName}`
  return rest === 0 ? first : `${first}${rest}${smallName}`
}

export function age(time: string | undefined, now: number): string {
  const since = time === undefined ? Number.NaN : Date.parse(time)
  return Number.isNaN(since) ? '<unknown>' : humanDuration((now - since) / 1000)
}
