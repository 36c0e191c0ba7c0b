import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { UserError } from "../errors.ts"
import type { Io } from "../io.ts"
import type { Wanted } from "../recover/request.ts"
import type { CommonOptions } from "./options.ts"

/** What a recovery is asked for with. */
export interface WantedOptions extends CommonOptions {
  readonly token?: readonly string[]
  readonly tokensFile?: string
  readonly subject?: string
  readonly reason?: string
  readonly ticket?: string
}

/** @throws UserError of kind `usage` when nothing is named, or no reason given. */
export async function readWanted(io: Io, options: WantedOptions): Promise<Wanted> {
  const { token = [], tokensFile, subject = null, reason, ticket = null } = options
  const tokens = [...token, ...(tokensFile === undefined ? [] : await readTokens(io, tokensFile))]
  if (tokens.length === 0 && subject === null) {
    throw new UserError("usage", "nothing is named to recover", {
      hint: "--token, --tokens-file or --subject",
    })
  }
  if (reason === undefined) {
    throw new UserError("usage", "--reason is missing: nothing is recovered without one", {
      hint: "say why, for those who read the audit log",
    })
  }
  return { tokens, subject, reason, ticket }
}

async function readTokens(io: Io, path: string): Promise<readonly string[]> {
  const text =
    path === "-"
      ? await io.readStdin()
      : await readFile(resolve(io.cwd, path), "utf8").catch((cause: NodeJS.ErrnoException) => {
          throw new UserError("usage", `--tokens-file: cannot be read (${cause.code})`, { cause })
        })
  return text.split(/\r?\n/).flatMap((line) => line.trim() || [])
}
