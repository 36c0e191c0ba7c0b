import { randomBytes } from "node:crypto"
import type { Io } from "../io.ts"

/** Print a new mask key, and on standard error what to do with it. */
export function runNewKey(io: Io): void {
  io.out(`${randomBytes(32).toString("hex")}\n`)
  io.err(
    "peppermill: keep it where only the writer reads it, and keep it for ever: the same key makes the same tokens\n",
  )
}
