import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { stringify } from 'yaml'
import { analyze, type Diagnostic, renderPath } from '../../mesh/istio/index.ts'
import { messageOf } from '../../runtime/index.ts'
import { type ReadFile, readObjects, type SyntaxProblem } from '../analyze/documents.ts'
import { fixObjects } from '../analyze/fix.ts'
import { checkOwnObject } from '../analyze/own-objects.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { type Output, processOutput } from '../output.ts'

export interface AnalyzeOptions {
  readonly fix: boolean
  readonly output: 'text' | 'json'
}

/** One line of the report. */
interface Reported {
  readonly severity: Diagnostic['severity']
  readonly code: Diagnostic['code'] | SyntaxProblem['code']
  readonly file: string
  readonly line: number
  readonly object?: Diagnostic['object']
  readonly path?: string
  readonly message: string
}

/** Says what is wrong with objects of the mesh, and of releases, in some files, without a cluster. */
export async function analyzeFiles(files: readonly string[], options: AnalyzeOptions): Promise<void> {
  const named = (await Promise.all(files.map(filesIn))).flat()
  const read = await Promise.all(named.map(async (file) => readObjects(file, await readText(file))))
  const found = reportOf(read)
  if (options.fix) {
    const fixed = fixObjects(read.flatMap(({ objects }) => objects.map(({ object }) => object)))
    const ofMesh = analyze(fixed)
    const left = fixed.flatMap((object, index) => [...checkOwnObject(object), ...(ofMesh[index] ?? [])])
    const isBroken = read.some(({ problems }) => problems.some(({ code }) => code === 'InvalidYaml'))
    printFixed(processOutput, fixed, found, left)
    process.exitCode = isBroken || left.some(isError) ? exitCodes.checkFailed : exitCodes.succeeded
    return
  }
  const count = read.reduce((sum, { objects }) => sum + objects.length, 0)
  print(processOutput, found, { format: options.output, count })
  process.exitCode = found.some(isError) ? exitCodes.checkFailed : exitCodes.succeeded
}

const isError = ({ severity }: Pick<Reported, 'severity'>): boolean => severity === 'error'

function reportOf(read: readonly ReadFile[]): readonly Reported[] {
  const objects = read.flatMap((file) => file.objects)
  const diagnostics = analyze(objects.map(({ object }) => object))
  const ofObjects = objects.flatMap(({ file, lineOf, object }, index) =>
    [...checkOwnObject(object), ...(diagnostics[index] ?? [])].map(({ path, ...rest }): Reported => {
      return { ...rest, file, line: lineOf(path), path: renderPath(path) }
    }),
  )
  const ofSyntax = read.flatMap(({ problems }) =>
    problems.map((problem): Reported => ({ severity: 'error', ...problem })),
  )
  const fileOrder = new Map(
    read.flatMap(({ objects: [first], problems: [problem] }, index) => [[first?.file ?? problem?.file ?? '', index]]),
  )
  const orderOf = ({ file, line }: Reported) => (fileOrder.get(file) ?? 0) * 1e9 + line
  return [...ofSyntax, ...ofObjects].toSorted((left, right) => orderOf(left) - orderOf(right))
}

interface Report {
  readonly format: AnalyzeOptions['output']
  /** Objects that were read. */
  readonly count: number
}

function print(output: Output, found: readonly Reported[], { format, count }: Report): void {
  if (format === 'json') {
    output.out(JSON.stringify({ diagnostics: found }, undefined, 2))
    return
  }
  for (const reported of found) output.out(lineOf(reported))
  if (found.length === 0) output.out(count === 0 ? 'there are no objects to look at' : nothingWrong(count))
}

const nothingWrong = (count: number): string =>
  count === 1 ? 'nothing is wrong with this object' : `nothing is wrong with these ${count} objects`

function lineOf({ file, line, severity, code, object, path, message }: Reported): string {
  const subject = object === undefined ? '' : ` ${object.kind} ${object.namespace}/${object.name}`
  const field = path === undefined ? '' : ` ${path}`
  return `${file}:${line}: ${severity} ${code}${subject}${field}: ${message}`
}

/** The objects go to standard output, what was wrong and what is left to standard error. */
function printFixed(
  output: Output,
  fixed: readonly unknown[],
  found: readonly Reported[],
  left: readonly Diagnostic[],
): void {
  for (const reported of found) output.err(lineOf(reported))
  for (const { object, path, severity, code, message } of left) {
    output.err(
      `left: ${severity} ${code} ${object.kind} ${object.namespace}/${object.name} ${renderPath(path)}: ${message}`,
    )
  }
  output.out(
    fixed
      .map((object) => stringify(object))
      .join('---\n')
      .trimEnd(),
  )
}

/** The YAML and JSON files of a folder; a file is itself. */
async function filesIn(path: string): Promise<readonly string[]> {
  const isFolder = path !== '-' && (await stat(path).catch(() => undefined))?.isDirectory() === true
  if (!isFolder) return [path]
  const names = (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort()
  if (names.length === 0) throw new CommandError(`${path}: the folder has no YAML or JSON file`, exitCodes.usage)
  return names.map((name) => join(path, name))
}

async function readText(file: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : await readFile(file, 'utf8')
  } catch (error) {
    throw new CommandError(`${file}: ${messageOf(error)}`, exitCodes.usage)
  }
}
