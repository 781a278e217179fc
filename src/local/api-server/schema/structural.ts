import { arrayAt, at, isObject, type JsonObject, objectAt, own, stringAt } from '../json.ts'
import { type Cause, forbiddenField, invalidValue, required } from '../status-error.ts'
import { compileRule } from './cel.ts'
import { compiled } from './validate-scalar.ts'

/** What makes a CRD's schema structural, and rules and patterns that can be evaluated. */
export function validateStructural(schema: JsonObject, path: string): readonly Cause[] {
  const type = stringAt(schema, 'type')
  if (type !== 'object') return [invalidValue(`${path}.type`, type ?? '', 'must be object at the root')]
  return validateNode(schema, path)
}

function validateNode(schema: JsonObject, path: string): readonly Cause[] {
  return [
    ...validateType(schema, path),
    ...validatePattern(schema, path),
    ...validateRuleTexts(schema, path),
    ...validateLogical(schema, path),
    ...Object.entries(objectAt(schema, 'properties') ?? {}).flatMap(([name, property]) =>
      isObject(property) ? validateNode(property, `${path}.properties[${name}]`) : [],
    ),
    ...childNode(schema, 'items', path),
    ...childNode(schema, 'additionalProperties', path),
  ]
}

function childNode(schema: JsonObject, key: string, path: string): readonly Cause[] {
  const child = own(schema, key)
  return isObject(child) ? validateNode(child, `${path}.${key}`) : []
}

function validateType(schema: JsonObject, path: string): readonly Cause[] {
  const isFree =
    at(schema, 'x-kubernetes-int-or-string') === true || at(schema, 'x-kubernetes-preserve-unknown-fields') === true
  const causes: Cause[] = []
  if (!stringAt(schema, 'type') && !isFree)
    causes.push(required(`${path}.type`, 'must not be empty for specified object fields'))
  if (own(schema, '$ref') !== undefined) causes.push(forbiddenField(`${path}.$ref`, '$ref is not supported'))
  if (own(schema, 'properties') !== undefined && at(schema, 'additionalProperties') !== undefined) {
    causes.push(
      forbiddenField(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'),
    )
  }
  if (at(schema, 'additionalProperties') === false) {
    causes.push(forbiddenField(`${path}.additionalProperties`, 'additionalProperties cannot be set to false'))
  }
  const items = own(schema, 'items')
  if (stringAt(schema, 'type') === 'array' && items === undefined)
    causes.push(required(`${path}.items`, 'must be specified'))
  const isListMap = stringAt(schema, 'x-kubernetes-list-type') === 'map'
  if (isListMap && arrayAt(schema, 'x-kubernetes-list-map-keys').length === 0) {
    causes.push(required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'))
  }
  return causes
}

function validatePattern(schema: JsonObject, path: string): readonly Cause[] {
  const pattern = stringAt(schema, 'pattern')
  if (pattern === undefined) return []
  try {
    compiled(pattern)
    return []
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [invalidValue(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${why}`)]
  }
}

function validateRuleTexts(schema: JsonObject, path: string): readonly Cause[] {
  return arrayAt(schema, 'x-kubernetes-validations').flatMap((rule, index) => {
    const text = stringAt(rule, 'rule') ?? ''
    const program = compileRule(text)
    const field = `${path}.x-kubernetes-validations[${index}].rule`
    return typeof program === 'string' ? [invalidValue(field, text, `compilation failed: ${program}`)] : []
  })
}

const logical = ['allOf', 'anyOf', 'oneOf']
const forbiddenInside = ['type', 'default', 'nullable', 'additionalProperties', 'description', 'title']

/** Inside allOf, anyOf, oneOf and not a structural schema only narrows: it declares nothing. */
function validateLogical(schema: JsonObject, path: string): readonly Cause[] {
  const isIntOrString = at(schema, 'x-kubernetes-int-or-string') === true
  const branches = logical.flatMap((key) =>
    arrayAt(schema, key).map((branch, index) => [branch, `${path}.${key}[${index}]`] as const),
  )
  const not = own(schema, 'not')
  const all = not === undefined ? branches : [...branches, [not, `${path}.not`] as const]
  return all.flatMap(([branch, where]) =>
    forbiddenInside
      .filter((key) => at(branch, key) !== undefined && !(isIntOrString && key === 'type'))
      .map((key) => forbiddenField(`${where}.${key}`, 'must be empty to be structural')),
  )
}
