/**
 * gitops: which image a workload should run. An ImagePolicy names a repository and a version range; on a cron schedule
 * the registry is asked for its tags, and the newest in the range is set on the target. What a changed target then
 * means, a release, is not known here: the policy writes an image like any user.
 * The choice of a tag and the plan of the patch are pure; only the registry client and the loop do I/O.
 */
export { type ImagePolicyOptions, startImagePolicies } from './image-policies.ts'
export { type ListTags, listTags, type TagsQuestion } from './registry-client.ts'
export { RegistryError } from './registry-error.ts'
export { parseSchedule, type Schedule } from './schedule.ts'
export { selectTag } from './select-tag.ts'
