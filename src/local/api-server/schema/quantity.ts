import type { Json } from '../json.ts'

const SHAPE = /^([+-]?)(\d*)(?:\.(\d*))?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?$/
const decimal = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E']
const binary = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
const NANO = 9

/** Kubernetes' one spelling of a quantity: 0.5 is 500m, 1024Mi is 1Gi. What is no quantity stays as it is. */
export function canonicalQuantity(value: Json): Json {
  const text = typeof value === 'number' ? String(value) : value
  const parts = typeof text === 'string' ? SHAPE.exec(text) : null
  if (parts === null || `${parts[2] ?? ''}${parts[3] ?? ''}` === '') return value
  const [, sign = '', whole = '', fraction = '', suffix = ''] = parts
  const digits = BigInt(`${whole}${fraction.padEnd(NANO, '0').slice(0, NANO)}` || '0')
  const negative = sign === '-' && digits !== 0n ? '-' : ''
  const step = binary.indexOf(suffix)
  if (suffix !== '' && step > 0) return `${negative}${binaryForm(digits * 1024n ** BigInt(step))}`
  return `${negative}${decimalForm(digits, suffix)}`
}

/** `nano` is the value in billionths. */
function binaryForm(nano: bigint): string {
  const unit = 10n ** BigInt(NANO)
  if (nano % unit !== 0n) return decimalForm(nano, '')
  let value = nano / unit
  let step = 0
  while (value !== 0n && value % 1024n === 0n && step < binary.length - 1) {
    value /= 1024n
    step += 1
  }
  return `${value}${binary[step]}`
}

function decimalForm(nano: bigint, suffix: string): string {
  const exponent = /^[eE]([+-]?\d+)$/.exec(suffix)?.[1]
  const shift = exponent === undefined ? (decimal.indexOf(suffix) - 3) * 3 : Number(exponent)
  let value = shift >= 0 ? nano * 10n ** BigInt(shift) : nano / 10n ** BigInt(-shift)
  let step = 0
  while (value !== 0n && value % 1000n === 0n && step < decimal.length - 1) {
    value /= 1000n
    step += 1
  }
  if (value === 0n) return '0'
  const power = (step - 3) * 3
  if (exponent === undefined) return `${value}${decimal[step]}`
  return power === 0 ? String(value) : `${value}e${power}`
}
