import { type Command, InvalidArgumentError } from "commander"
import { UserError } from "../errors.ts"

/** What every command that reads the configuration takes. */
export interface CommonOptions {
  readonly config?: string
  readonly set?: readonly string[]
  readonly json?: boolean
}

export function withCommonOptions(command: Command): Command {
  return command
    .option("-c, --config <path>", "configuration file (default: searched from here upward)", nonEmpty)
    .option("--set <key=value>", "set one key of the configuration; may be repeated", collect)
    .option("--json", "answer in JSON, for machines")
}

/**
 * The configuration keys of `--set`, and their texts. Of one key the last counts.
 *
 * @throws UserError of kind `usage`: no `=`, no value, or a secret, which never comes from a flag.
 */
export function overridesOf(options: CommonOptions): Record<string, string> {
  const overrides: Record<string, string> = {}
  for (const setting of options.set ?? []) {
    const at = setting.indexOf("=")
    const key = setting.slice(0, Math.max(0, at))
    const value = setting.slice(at + 1)
    if (at < 1 || value === "") {
      throw new UserError("usage", "--set: expected key=value", { hint: "for example --set batch.rows=1000" })
    }
    if (
      key.startsWith("masking.keys") ||
      (key === "database.url" && !/^(env|file|aws-sm|pglite):/.test(value))
    ) {
      throw new UserError(
        "usage",
        `--set ${key}: a secret never comes from a flag, where others can read it`,
        {
          hint: "put it into the environment, a file that only you can read, or AWS Secrets Manager",
        },
      )
    }
    overrides[key] = value
  }
  return overrides
}

/** Parses a flag's number: a whole one, 1 or more. */
export function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError("It is a whole number, 1 or more.")
  return Number(text)
}

/** Parses a flag's text: empty is a mistake, not a value. */
export function nonEmpty(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("It must not be empty.")
  return text
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value]
}
