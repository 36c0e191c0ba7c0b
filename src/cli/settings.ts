import type { Io } from "../io.ts"
import type { Settings } from "../open.ts"
import { safe } from "../safe.ts"
import { type CommonOptions, overridesOf } from "./options.ts"

/** Read the configuration that a command's flags and the process's environment ask for. */
export async function openSettings(
  io: Io,
  options: CommonOptions & { queueUrl?: string; listen?: string },
): Promise<Settings> {
  const overrides = overridesOf(options)
  if (options.queueUrl !== undefined) overrides["queue.url"] = options.queueUrl
  if (options.listen !== undefined) overrides["observe.listen"] = options.listen
  // Loaded here, because --help must not wait for the database driver and the SDK.
  const { openSettings: open } = await import("../open.ts")
  return open({
    cwd: io.cwd,
    env: io.env,
    overrides,
    ...(options.config !== undefined && { file: options.config }),
  })
}

/** Tell what is allowed but probably not meant. */
export function warn(io: Io, warnings: readonly string[]): void {
  for (const warning of warnings) io.err(`peppermill: warning: ${safe(warning)}\n`)
}
