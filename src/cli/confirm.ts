import { createInterface } from "node:readline"
import { UserError } from "../errors.ts"
import type { Io } from "../io.ts"

export interface ConfirmOptions {
  readonly yes?: boolean
  readonly expect?: number
}

/** Asks a person for a line. */
export type AskLine = (question: string) => Promise<string>

/**
 * Have a deletion confirmed by its count: typed on a terminal, or given with
 * `--yes --expect N`. A script that was written for one thing deletes no ten.
 *
 * @throws UserError: kind `data` when the count is another, `usage` when nobody can be asked.
 */
export async function confirmCount(
  io: Io,
  { yes, expect }: ConfirmOptions,
  count: number,
  ask: AskLine = askLine,
): Promise<void> {
  if (expect !== undefined && expect !== count) {
    throw new UserError("data", `--expect ${expect}: there are ${count}; nothing was deleted`, {
      hint: "look at what is there, and say its count",
    })
  }
  if (yes) {
    if (expect !== undefined) return
    throw new UserError("usage", "--yes needs --expect: how many are to be deleted", {
      hint: `there are ${count} now: --yes --expect ${count}`,
    })
  }
  if (!io.stdinIsTerminal) {
    throw new UserError("usage", "there is nobody to ask whether to delete", {
      hint: `run it on a terminal, or say --yes --expect ${count}`,
    })
  }
  const answer = await ask(`Type ${count} to delete them, anything else to leave them: `)
  if (answer.trim() !== String(count)) {
    throw new UserError("permission", "not confirmed: nothing was deleted")
  }
}

async function askLine(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await new Promise<string>((answer) => {
      lines.once("close", () => answer(""))
      lines.question(question, answer)
    })
  } finally {
    lines.close()
  }
}
