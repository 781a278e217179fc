type Labels = Readonly<Record<string, string>>

/** Whether labels contain every pair that is wanted. */
export const matchesLabels = (wanted: Labels, labels: Labels = {}): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value)
