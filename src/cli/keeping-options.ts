import { type Command, InvalidArgumentError } from "commander"
import { UserError } from "../errors.ts"
import type { Why } from "../recover/job.ts"
import { nonEmpty } from "./options.ts"

export interface WhyOptions {
  readonly reason?: string
  readonly ticket?: string
}

export interface IdentityOptions {
  readonly identity?: string
}

/** `--reason` and `--ticket`, for the audit log. */
export function withWhy(command: Command): Command {
  return command
    .option("--reason <text>", "why; 10 characters at least, for those who read the audit log", nonEmpty)
    .option("--ticket <id>", "the ticket or case it belongs to", nonEmpty)
}

/** `--identity`. */
export function withIdentity(command: Command): Command {
  return command.option(
    "--identity <file>",
    "age identity file, or a reference to one (env: file: aws-sm:)",
    nonEmpty,
  )
}

/** `--yes --expect N`. */
export function withConfirmation(command: Command): Command {
  return command
    .option("--expect <n>", "how many are to be deleted; if there are more or less, none is", wholeNumber)
    .option("--yes", "do not ask; needs --expect")
}

/** @throws UserError of kind `usage` without a reason. */
export function readWhy({ reason, ticket }: WhyOptions): Why {
  if (reason === undefined) {
    throw new UserError("usage", "--reason is missing: the vault is not touched without one", {
      hint: "say why, for those who read the audit log",
    })
  }
  return { reason, ticket: ticket ?? null }
}

/** @throws UserError of kind `usage` without an identity. */
export function requireIdentity({ identity }: IdentityOptions): string {
  if (identity !== undefined) return identity
  throw new UserError("usage", "--identity is missing: what is sealed opens with an age identity only", {
    hint: "--identity FILE, or a reference such as aws-sm:ID#key",
  })
}

function wholeNumber(text: string): number {
  if (!/^(0|[1-9]\d{0,14})$/.test(text)) throw new InvalidArgumentError("It is a whole number.")
  return Number(text)
}
