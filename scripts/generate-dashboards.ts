/** Writes the Grafana dashboards of scripts/dashboards into the chart; with --check it only tells whether they are up to date. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { controlPlane } from './dashboards/control-plane.ts'
import { renderDashboard } from './dashboards/dashboard.ts'
import { mesh } from './dashboards/mesh.ts'
import { release } from './dashboards/release.ts'
import { workload } from './dashboards/workload.ts'

const folder = join(import.meta.dirname, '../charts/sluice/files/dashboards')
await mkdir(folder, { recursive: true })
for (const dashboard of [mesh, workload, controlPlane, release]) {
  const file = join(folder, `${dashboard.uid}.json`)
  const wanted = `${JSON.stringify(renderDashboard(dashboard), null, 2)}\n`
  const known = await readFile(file, 'utf8').catch(() => '')
  if (known === wanted) continue
  if (!process.argv.includes('--check')) await writeFile(file, wanted)
  else {
    console.error(`${file} is out of date: run \`npm run generate\`.`)
    process.exitCode = 1
  }
}
