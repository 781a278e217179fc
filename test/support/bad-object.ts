/** One row per rule: an object that breaks only it, and the field that the refusal must name. */
export interface BadObject {
  readonly rule: string
  readonly resource: 'canaries' | 'alertproviders' | 'metrictemplates'
  readonly object: Readonly<Record<string, unknown>>
  readonly field: string
  readonly message: string
}
