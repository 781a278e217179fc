/** Writes what the processes export, read from their own registries, into docs/metrics.md; with --check it only tells whether it is up to date. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exportedMetrics, renderTable } from './metrics-table/exported.ts'

const page = join(import.meta.dirname, '../docs/metrics.md')
const marker =
  /(<!-- metrics of the (\w+):start \(npm run generate\) -->\n\n)[\s\S]*?(\n\n<!-- metrics of the \2:end -->)/g

const text = await readFile(page, 'utf8')
const metrics = exportedMetrics()
const found: string[] = []
const wanted = text.replace(marker, (_, start: string, process: string, end: string) => {
  found.push(process)
  return `${start}${renderTable(metrics[process] ?? [])}${end}`
})
if (found.join() !== Object.keys(metrics).join())
  throw new Error(`docs/metrics.md has lost its markers: ${found.join()} are there of ${Object.keys(metrics).join()}`)

if (process.argv.includes('--check')) {
  if (wanted !== text) {
    console.error('The tables of docs/metrics.md are out of date: run `npm run generate`.')
    process.exitCode = 1
  }
} else if (wanted !== text) await writeFile(page, wanted)
