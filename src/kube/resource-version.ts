/**
 * Resource versions are comparable within a resource (KEP-5504): decimal numbers of any length.
 * Anything else counts as old, so that no copy of ours ever outlives the server's word.
 */
export function isNewer(left: string | undefined, right: string | undefined): boolean {
  if (left === undefined || !/^[0-9]+$/.test(left)) return false
  if (right === undefined || !/^[0-9]+$/.test(right)) return right === undefined
  return left.length === right.length ? left > right : left.length > right.length
}
