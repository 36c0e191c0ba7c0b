/** What a command may touch of its process. Words to people go to `err`, data to `out`. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  out(text: string): void
  err(text: string): void
  readonly stdinIsTerminal: boolean
  readonly stdoutIsTerminal: boolean
  readonly stderrIsTerminal: boolean
  /** All of standard input, as UTF-8. */
  readStdin(): Promise<string>
  /** The exit status, 0 until a command says otherwise. */
  exitCode: number
}

/** What the process's own streams and environment give. */
export function processIo(): Io {
  return {
    env: process.env,
    cwd: workingDirectory(),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdinIsTerminal: process.stdin.isTTY === true,
    stdoutIsTerminal: process.stdout.isTTY === true,
    stderrIsTerminal: process.stderr.isTTY === true,
    async readStdin() {
      const chunks: Buffer[] = []
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks).toString("utf8")
    },
    exitCode: 0,
  }
}

/** Where we are. A directory that was removed under us is left for the root: files named from it are gone anyway. */
function workingDirectory(): string {
  try {
    return process.cwd()
  } catch {
    process.chdir("/")
    return process.cwd()
  }
}
