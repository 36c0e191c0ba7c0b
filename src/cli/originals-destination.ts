import { open, unlink } from "node:fs/promises"
import { resolve } from "node:path"
import { UserError } from "../errors.ts"
import type { Io } from "../io.ts"

export interface DestinationOptions {
  readonly output?: string
  readonly stdout?: boolean
}

/** Where originals go. Disposed of without a `write`, it leaves nothing behind. */
export interface Destination extends AsyncDisposable {
  write(text: string): Promise<void>
}

/**
 * Decide where originals may go: to a terminal, to a new file that nobody else
 * can read, or into a pipe where that was said. By accident they end in no log.
 *
 * @returns A function that opens it, to be called when all else is ready and before anything is released.
 * @throws UserError of kind `usage`, at once, when nothing of that was asked for.
 */
export function chooseDestination(io: Io, options: DestinationOptions): () => Promise<Destination> {
  const { output, stdout } = options
  if (output !== undefined && stdout) {
    throw new UserError("usage", "--output and --stdout exclude each other", { hint: "say one of them" })
  }
  if (output !== undefined) return () => createFile(resolve(io.cwd, output))
  if (!io.stdoutIsTerminal && !stdout) {
    throw new UserError("usage", "standard output is no terminal: originals would go who knows where", {
      hint: "--output FILE writes a file that only you can read; --stdout says that a pipe is meant",
    })
  }
  return async () => ({
    write: async (text) => io.out(text),
    [Symbol.asyncDispose]: async () => {},
  })
}

async function createFile(path: string): Promise<Destination> {
  const file = await open(path, "wx", 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === "EEXIST"
      ? new UserError("usage", `--output: ${path} exists already`, { hint: "name a new file", cause })
      : new UserError("usage", `--output: ${path} cannot be created (${cause.code})`, { cause })
  })
  let written = false
  return {
    async write(text) {
      await file.writeFile(text)
      written = true
    },
    async [Symbol.asyncDispose]() {
      await file.close()
      if (!written) await unlink(path)
    },
  }
}
