/** Fills in `$(NAME)` as Kubernetes does: `$$(NAME)` stays as `$(NAME)`, and an unknown name stays as it stands. */
export function expandVariables(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)/g, (found, name: string | undefined) => {
    if (name === undefined) return '$'
    return Object.hasOwn(variables, name) ? (variables[name] ?? found) : found
  })
}
