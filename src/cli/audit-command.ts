import { Command } from "commander"
import type { Io } from "../io.ts"
import { nonEmpty, positiveInteger, withCommonOptions } from "./options.ts"

const EXAMPLES = `
Examples
  peppermill audit report --subject u-17            who recovered something of u-17, when and why
  peppermill audit show --since 7d --actor alice
  peppermill audit checkpoint --key audit.key --output audit-checkpoint.json
  peppermill audit verify --checkpoint audit-checkpoint.json --public-key audit.pub

A pair of checkpoint keys:
  openssl genpkey -algorithm ed25519 -out audit.key
  openssl pkey -in audit.key -pubout -out audit.pub

Keep checkpoints where the database's administrators cannot write: without one,
a log that was cut off, or made anew from the start, cannot be told from a whole one.
`

/** `peppermill audit`: what people did, and whether the record of it is whole. */
export function auditCommand(io: Io): Command {
  const audit = new Command("audit")
    .description("the record of who recovered what, when and why")
    .addHelpText("after", EXAMPLES)
  audit.addCommand(
    withFilter(withCommonOptions(new Command("show")))
      .description("the newest records, oldest first")
      .option("--limit <n>", "how many records", positiveInteger, 100)
      .action(async (options) => (await import("./audit.ts")).runAuditShow(io, options)),
  )
  audit.addCommand(
    withFilter(withCommonOptions(new Command("report")))
      .description("recoveries that took place: who, what, when, why, approved by whom")
      .action(async (options) => (await import("./audit.ts")).runAuditReport(io, options)),
  )
  audit.addCommand(
    withCommonOptions(new Command("verify"))
      .description("find the first record that was changed, moved, inserted or removed")
      .option("--checkpoint <file>", "a checkpoint that the log must continue", nonEmpty)
      .option("--public-key <file>", "the Ed25519 public key of the checkpoint, PEM", nonEmpty)
      .action(async (options) => (await import("./audit.ts")).runAuditVerify(io, options)),
  )
  audit.addCommand(
    withCommonOptions(new Command("checkpoint"))
      .description("verify the log, and sign its length and last hash")
      .requiredOption(
        "--key <file>",
        "Ed25519 private key, PEM, or a reference to one (env: file: aws-sm:)",
        nonEmpty,
      )
      .requiredOption("--output <file>", "the new checkpoint file", nonEmpty)
      .action(async (options) => (await import("./audit.ts")).runAuditCheckpoint(io, options)),
  )
  return audit
}

function withFilter(command: Command): Command {
  return command
    .option("--since <time>", "from then on: 2026-11-01, 2026-11-01T08:00Z, or 90m, 24h, 7d ago", nonEmpty)
    .option("--actor <user>", "only what this database user did", nonEmpty)
    .option("--subject <subject>", "only what concerns this person", nonEmpty)
}
