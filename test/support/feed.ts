import type { ChildProcess } from 'node:child_process'

/** Writes a child's whole standard input. One that ends without reading it is judged by its exit code, not by the pipe. */
export function feed(child: ChildProcess, input: string | undefined): void {
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
}
