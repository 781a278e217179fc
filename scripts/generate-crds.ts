/** Writes crds/, the chart's copies and docs/reference/ from src/api; with --check it only tells whether they are up to date. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import {
  allCustomResourceDefinitions,
  type CustomResourceDefinition,
  flaggerCustomResourceDefinitions,
  istioCustomResourceDefinitions,
  localCustomResourceDefinitions,
} from '../src/api/index.ts'
import { renderReference } from './crd-reference.ts'

const ROOT = join(import.meta.dirname, '..')
const FOLDERS = ['crds', 'charts/sluice/files/crds', 'docs/reference'] as const
const HEADER = '# Written by `npm run generate` from src/api. Do not edit.\n'

const wanted = renderAll()
const stale = await staleFiles(wanted)
if (process.argv.includes('--check')) {
  if (stale.length > 0) {
    console.error(`Out of date, run \`npm run generate\`:\n${stale.map((path) => `  ${path}`).join('\n')}`)
    process.exitCode = 1
  }
} else {
  for (const path of stale) await bring(path, wanted.get(path))
  console.log(`${wanted.size} files, ${stale.length} written`)
}

function renderAll(): ReadonlyMap<string, string> {
  const own = allCustomResourceDefinitions.map((crd) => ['', crd] as const)
  const istio = istioCustomResourceDefinitions.map((crd) => ['istio', crd] as const)
  const flagger = flaggerCustomResourceDefinitions.map((crd) => ['flagger', crd] as const)
  const local = localCustomResourceDefinitions.map((crd) => ['local', crd] as const)
  const render =
    (folder: string) =>
    ([sub, crd]: readonly [string, CustomResourceDefinition]) =>
      [
        join(folder, sub, fileName(crd)),
        HEADER + stringify(crd, { lineWidth: 0, aliasDuplicateObjects: false }),
      ] as const
  const pages = [...allCustomResourceDefinitions, ...localCustomResourceDefinitions].map(
    (crd) => [join(FOLDERS[2], `${crd.spec.names.singular}.md`), renderReference(crd)] as const,
  )
  return new Map([
    ...[...own, ...istio, ...flagger, ...local].map(render(FOLDERS[0])),
    ...[...own, ...istio].map(render(FOLDERS[1])),
    ...pages,
  ])
}

function fileName({ spec }: CustomResourceDefinition): string {
  return `${spec.group}_${spec.names.plural}.yaml`
}

/** Files whose text differs from the wanted one, the superfluous included. */
async function staleFiles(files: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const present = (await Promise.all(FOLDERS.map(filesIn))).flat()
  const paths = [...new Set([...files.keys(), ...present])].sort()
  const differs = await Promise.all(paths.map(async (path) => (await textOf(path)) !== files.get(path)))
  return paths.filter((_, index) => differs[index])
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(join(ROOT, folder), { recursive: true }).catch(() => [])
  return names.filter((name) => /\.(yaml|md)$/.test(name)).map((name) => join(folder, name))
}

function textOf(path: string): Promise<string | undefined> {
  return readFile(join(ROOT, path), 'utf8').catch(() => undefined)
}

async function bring(path: string, text: string | undefined): Promise<void> {
  if (text === undefined) return rm(join(ROOT, path))
  await mkdir(dirname(join(ROOT, path)), { recursive: true })
  await writeFile(join(ROOT, path), text)
}
