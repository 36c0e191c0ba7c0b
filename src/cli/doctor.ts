import { exitCodeFor } from "../exit-code.ts"
import type { Io } from "../io.ts"
import { safe } from "../safe.ts"
import type { CommonOptions } from "./options.ts"
import { openSettings } from "./settings.ts"

/**
 * `peppermill doctor`: one line a check, with what to do. The exit status is
 * that of the first failure; 0 when warnings are all there is.
 */
export async function runDoctor(io: Io, options: CommonOptions): Promise<void> {
  const { diagnose } = await import("../doctor.ts")
  const lines: object[] = []
  for await (const { error, ...finding } of diagnose(() => openSettings(io, options))) {
    const { name, status, message, hint } = finding
    if (status === "fail" && io.exitCode === 0) io.exitCode = exitCodeFor(error)
    lines.push(finding)
    if (options.json) continue
    io.out(`${status.padEnd(5)} ${name.padEnd(14)} ${safe(message)}\n`)
    if (hint !== undefined) io.out(`${"".padEnd(20)} → ${safe(hint)}\n`)
  }
  if (options.json) io.out(`${JSON.stringify({ schema: 1, ok: io.exitCode === 0, findings: lines })}\n`)
}
