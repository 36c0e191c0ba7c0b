import { stat } from "node:fs/promises"
import { UserError } from "../errors.ts"

/** Nothing that we read as text, a configuration say, comes near this. */
const MAX_BYTES = 1_048_576

/**
 * Refuse to read what may have no end: a device, or a file of another kind of
 * size than ours. A pipe is taken, for a shell's `<(…)`, and so is /dev/null.
 * What is not there is for the reader to say.
 *
 * @throws UserError of kind `config` naming the path.
 */
export async function refuseEndless(path: string): Promise<void> {
  const stats = await stat(path).catch(() => null)
  if (stats === null || stats.isDirectory()) return
  if (stats.size > MAX_BYTES) throw new UserError("config", `${path}: is too large to be one of our files`)
  if (stats.isFile() || stats.isFIFO() || path === "/dev/null") return
  throw new UserError("config", `${path}: is not a plain file`)
}
