import type { Io } from "../io.ts"
import { type CommonOptions, overridesOf } from "./options.ts"
import { warn } from "./settings.ts"

/** `peppermill config print`: every key with the origin of its value, secrets hidden. */
export async function runConfigPrint(io: Io, options: CommonOptions): Promise<void> {
  const loaded = await load(io, options)
  const { configJson, configYaml } = await import("../config/show.ts")
  io.out(options.json ? `${JSON.stringify(configJson(loaded), null, 2)}\n` : configYaml(loaded))
  warn(io, loaded.warnings)
}

/** `peppermill config schema`: the JSON Schema, for editors. */
export async function runConfigSchema(io: Io): Promise<void> {
  const { configJsonSchema } = await import("../config/json-schema.ts")
  io.out(`${JSON.stringify(configJsonSchema(), null, 2)}\n`)
}

/**
 * `peppermill config check`: read the configuration and say that it is good.
 *
 * @throws UserError with a line for each problem, when it is not.
 */
export async function runConfigCheck(io: Io, options: CommonOptions): Promise<void> {
  const { file, warnings } = await load(io, options)
  if (options.json) io.out(`${JSON.stringify({ schema: 1, ok: true, file, warnings })}\n`)
  else io.out(`the configuration is good: ${file ?? "no file, so defaults and variables only"}\n`)
  warn(io, warnings)
}

async function load(io: Io, options: CommonOptions) {
  const { loadConfig } = await import("../config/load.ts")
  return loadConfig({
    cwd: io.cwd,
    env: io.env,
    overrides: overridesOf(options),
    ...(options.config !== undefined && { file: options.config }),
  })
}
