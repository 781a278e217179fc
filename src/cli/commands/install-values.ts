import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { parse, stringify } from 'yaml'
import { valuesOfOperator } from '../../mesh/injector/index.ts'
import { messageOf } from '../../runtime/index.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { processOutput } from '../output.ts'

/** Prints an IstioOperator as values that `helm install -f` takes. */
export async function printInstallValues(file: string): Promise<void> {
  const values = valuesOfOperator(await readDocument(file))
  if (!values.ok) throw new CommandError(`${file}: ${values.error}`, exitCodes.checkFailed)
  processOutput.out(stringify(values.value).trimEnd())
}

async function readDocument(file: string): Promise<unknown> {
  try {
    return parse(file === '-' ? await text(process.stdin) : await readFile(file, 'utf8'))
  } catch (error) {
    throw new CommandError(`${file}: ${messageOf(error)}`, exitCodes.usage)
  }
}
