/** Labels of a series, its name apart. */
export type Labels = Readonly<Record<string, string>>

export interface Series {
  readonly name: string
  readonly labels: Labels
  /** Seconds and value. */
  readonly points: readonly (readonly [number, number])[]
}

/** What scrapes see, one each second from `from` to `to` inclusive, a fraction after the full second. */
export function scraped(from: number, to: number, valueAt: (second: number) => number): Series['points'] {
  const seconds = Array.from({ length: to - from + 1 }, (_, index) => from + index)
  return seconds.map((second) => [second + SCRAPE_PHASE, valueAt(second)] as const)
}

const SCRAPE_PHASE = 0.3

/** The body of a Prometheus remote write (1.0): a WriteRequest in protobuf, framed as snappy without compression. */
export function renderWriteRequest(series: readonly Series[]): Uint8Array<ArrayBuffer> {
  return frameAsSnappy(Buffer.concat(series.map((each) => field(1, renderSeries(each)))))
}

function renderSeries({ name, labels, points }: Series): Buffer {
  const sorted = Object.entries({ ...labels, __name__: name }).sort(([left], [right]) => (left < right ? -1 : 1))
  const pairs = sorted.map(([label, value]) =>
    field(1, Buffer.concat([field(1, Buffer.from(label)), field(2, Buffer.from(value))])),
  )
  return Buffer.concat([...pairs, ...points.map(([seconds, value]) => field(2, renderSample(seconds, value)))])
}

function renderSample(seconds: number, value: number): Buffer {
  const double = Buffer.alloc(9)
  double[0] = (1 << 3) | 1
  double.writeDoubleLE(value, 1)
  return Buffer.concat([double, Buffer.from([2 << 3]), varint(Math.round(seconds * 1_000))])
}

const field = (number: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2]), varint(content.length), content])

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  return Buffer.from([...bytes, rest])
}

const LITERAL_WITH_TWO_BYTES_OF_LENGTH = 61 << 2
const LONGEST_LITERAL = 0x10000

function frameAsSnappy(content: Buffer): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [varint(content.length)]
  for (let start = 0; start < content.length; start += LONGEST_LITERAL) {
    const literal = content.subarray(start, start + LONGEST_LITERAL)
    const length = literal.length - 1
    chunks.push(Buffer.from([LITERAL_WITH_TWO_BYTES_OF_LENGTH, length & 0xff, length >> 8]), literal)
  }
  return Uint8Array.from(Buffer.concat(chunks))
}
