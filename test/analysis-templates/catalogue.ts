import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { type Metric, type MetricTemplate, parseMetricTemplate } from '../../src/api/index.ts'

const folder = new URL('../../analysis-templates/', import.meta.url)

export interface CatalogueEntry {
  readonly name: string
  readonly template: MetricTemplate
  /** The first sentence of its comment. */
  readonly title: string
  readonly comment: string
  /** The metric of a Canary that its comment shows. */
  readonly example: Metric
}

/** Every file of analysis-templates/. */
export const catalogue: readonly CatalogueEntry[] = readdirSync(folder)
  .toSorted()
  .map((file) => {
    const text = readFileSync(new URL(file, folder), 'utf8')
    const template = parseMetricTemplate(parse(text))
    if (!template.ok) throw new Error(`${file}: ${template.error}`)
    const lines = text.split('\n').filter((line) => line.startsWith('#'))
    const comment = lines.map((line) => line.slice(2)).join('\n')
    return {
      name: file.replace(/\.yaml$/, ''),
      template: template.value,
      title: (comment.split('\n\n')[0] ?? '').replaceAll('\n', ' '),
      comment,
      example: exampleOf(comment),
    }
  })

function exampleOf(comment: string): Metric {
  const [, example = ''] = /^( +metrics:\n(?: +.*\n?)+)/m.exec(comment) ?? []
  return parse(example).metrics[0]
}

/** The table of docs/analysis-templates.md. */
export function renderCatalogue(): string {
  const rows = catalogue.map(({ name, template, title, example }) => {
    const variables = (template.spec.variables ?? []).map((variable) =>
      variable.default === undefined ? `**${variable.name}**` : `${variable.name} \`${escapeCell(variable.default)}\``,
    )
    const limits = Object.entries(example.thresholdRange ?? {}).map(([end, value]) => `${end} ${value}`)
    return `| [${name}](../analysis-templates/${name}.yaml) | ${escapeCell(title)} | ${limits} | ${variables.join(', ') || 'none'} |`
  })
  return ['| Template | Measures | Limit, such as | Variables |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

const escapeCell = (text: string): string => text.replaceAll('|', '\\|')
