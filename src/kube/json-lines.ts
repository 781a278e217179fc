/** Splits a stream of bytes into parsed lines; a line may come in any number of chunks, cut anywhere. */
export async function* readJsonLines(
  chunks: AsyncIterable<Uint8Array>,
  maxLineLength: number,
): AsyncGenerator<unknown> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > maxLineLength) throw new RangeError(`a line is longer than ${maxLineLength} characters`)
    for (const line of lines) {
      if (line.trim() !== '') yield parseLine(line)
    }
  }
  // What follows the last line break was cut off: the next watch brings it whole.
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // The parser's message quotes the text, which may be of a Secret.
    throw new SyntaxError('a line is not JSON')
  }
}
