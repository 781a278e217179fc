import { arrayAt, isObject, type JsonObject, numberAt, own, stringAt } from '../json.ts'
import { dns1123LabelError } from '../names.ts'
import { type Cause, duplicate, invalidValue, required, unsupportedValue } from '../status-error.ts'

/** What kube-apiserver demands of a pod's spec, as far as this platform uses it. */
export function validatePodSpec(spec: JsonObject | undefined, path: string): readonly Cause[] {
  if (spec === undefined) return [required(path)]
  const containers = arrayAt(spec, 'containers').filter(isObject)
  const restart = stringAt(spec, 'restartPolicy')
  const policies = ['Always', 'OnFailure', 'Never']
  return [
    ...(containers.length === 0 ? [required(`${path}.containers`)] : []),
    ...containers.flatMap((container, index) => validateContainer(container, `${path}.containers[${index}]`)),
    ...duplicateNames(containers, `${path}.containers`),
    ...(restart !== undefined && !policies.includes(restart)
      ? [unsupportedValue(`${path}.restartPolicy`, restart, policies)]
      : []),
  ]
}

function duplicateNames(items: readonly JsonObject[], path: string): readonly Cause[] {
  const names = items.map((item) => stringAt(item, 'name'))
  return names.flatMap((name, index) =>
    name !== undefined && names.indexOf(name) < index
      ? [duplicate(`${path}[${index}].name`, JSON.stringify(name))]
      : [],
  )
}

function validateContainer(container: JsonObject, path: string): readonly Cause[] {
  const name = stringAt(container, 'name') ?? ''
  const nameError = name === '' ? undefined : dns1123LabelError(name)
  const ports = arrayAt(container, 'ports').filter(isObject)
  return [
    ...(name === '' ? [required(`${path}.name`)] : []),
    ...(nameError === undefined ? [] : [invalidValue(`${path}.name`, name, nameError)]),
    ...((stringAt(container, 'image') ?? '') === '' ? [required(`${path}.image`)] : []),
    ...ports.flatMap((port, index) => validatePort(port, `${path}.ports[${index}]`)),
    ...arrayAt(container, 'env')
      .filter(isObject)
      .flatMap((variable, index) =>
        own(variable, 'name') === undefined ? [required(`${path}.env[${index}].name`)] : [],
      ),
  ]
}

function validatePort(port: JsonObject, path: string): readonly Cause[] {
  const number = numberAt(port, 'containerPort')
  if (number === undefined) return [required(`${path}.containerPort`)]
  return isPort(number) ? [] : [invalidValue(`${path}.containerPort`, number, portRange)]
}

export const portRange = 'must be between 1 and 65535, inclusive'
export const isPort = (number: number): boolean => number >= 1 && number <= 65535
