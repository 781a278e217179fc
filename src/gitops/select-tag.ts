import semver from 'semver'
import { failure, type Result, success } from '../base/index.ts'

/** OCI's limit of a tag. */
const MAX_TAG = 128
const MAX_RANGE = 256

/**
 * The tag with the highest version in the range; undefined when none is. Only whole versions count (`1.4.0`, `v1.4.0`):
 * `1.4` and `latest` move. A prerelease counts only where the range names one, as in `>=1.4.0-0`.
 */
export function selectTag(tags: readonly string[], range: string): Result<string | undefined> {
  const parsed = parseRange(range)
  if (!parsed.ok) return parsed
  const options = { includePrerelease: namesPrerelease(parsed.value) }
  const candidates = tags
    .map((tag) => ({ tag, version: parseTag(tag) }))
    .filter((each): each is Candidate => each.version !== null && semver.satisfies(each.version, parsed.value, options))
  return success(candidates.sort(newestFirst)[0]?.tag)
}

interface Candidate {
  readonly tag: string
  readonly version: semver.SemVer
}

function parseRange(range: string): Result<semver.Range> {
  const parsed = range.length <= MAX_RANGE && range.trim() !== '' ? semver.validRange(range) : null
  if (parsed === null) return failure(`spec.semver.range: "${range}" is not a version range such as ">=1.2.0 <2.0.0"`)
  return success(new semver.Range(range))
}

const parseTag = (tag: string): semver.SemVer | null =>
  tag.length <= MAX_TAG && /^v?[0-9]/.test(tag) ? semver.parse(tag) : null

/** The text decides: a parsed `^1.2.0` carries a `-0` of its own in its upper end. */
const namesPrerelease = (range: semver.Range): boolean => /[0-9x*]-[0-9A-Za-z]/.test(range.raw)

/** Of two spellings of one version the same one is taken always. */
function newestFirst(left: Candidate, right: Candidate): number {
  const order = semver.rcompare(left.version, right.version)
  if (order !== 0) return order
  return left.tag < right.tag ? -1 : 1
}
