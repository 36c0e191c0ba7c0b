import { Command } from "commander"
import type { Io } from "../io.ts"
import { withConfirmation, withIdentity, withWhy } from "./keeping-options.ts"
import { nonEmpty, positiveInteger, withCommonOptions } from "./options.ts"

const EXAMPLES = `
Examples
  peppermill quarantine ls
  peppermill quarantine ls --messages --reason-code not-an-ip
  peppermill quarantine show 0b9f7a52-7c1f-4b8e-9c70-9a3a2f7f1c55 --reason "why is it no event?" --identity vault.key
  peppermill quarantine replay --reason-code too-long --reason "maxLength was raised" --identity vault.key
  peppermill quarantine drop --reason-code not-json --reason "test messages, agreed" --yes --expect 12

ls opens nothing. show goes by the policy of recoveries and counts for the quota
(role peppermill_recoverer); replay takes peppermill_keeper, drop peppermill_eraser.
All three are in the audit log.
`

/** `peppermill quarantine`: rejected messages, sealed. */
export function quarantineCommand(io: Io): Command {
  const quarantine = new Command("quarantine")
    .description("rejected messages: look, open, store after all, or drop")
    .addHelpText("after", EXAMPLES)
  quarantine.addCommand(
    withCommonOptions(new Command("ls"))
      .description("count them by reason, field and shape; opens nothing")
      .option("--messages", "list the messages, the newest first")
      .option("--reason-code <code>", "with --messages: only those rejected for this reason", nonEmpty)
      .option("--limit <n>", "with --messages: how many", positiveInteger, 100)
      .action(async (options) => (await import("./quarantine.ts")).runQuarantineLs(io, options)),
  )
  quarantine.addCommand(
    withIdentity(withWhy(withCommonOptions(new Command("show"))))
      .description("open one message")
      .argument("<id>", "the message")
      .option("--request <id>", "a request of yours for this message that was approved", nonEmpty)
      .option("--output <path>", "write the body to a new file that only you can read", nonEmpty)
      .option("--stdout", "write the body to standard output even where it is no terminal")
      .action(async (id: string, options) =>
        (await import("./quarantine.ts")).runQuarantineShow(io, id, options),
      ),
  )
  quarantine.addCommand(
    withIdentity(withWhy(withChoice(withCommonOptions(new Command("replay")))))
      .description("decode them with the configuration of now, and store those that are good")
      .action(async (options) => (await import("./quarantine.ts")).runQuarantineReplay(io, options)),
  )
  quarantine.addCommand(
    withConfirmation(withWhy(withChoice(withCommonOptions(new Command("drop")))))
      .description("delete them")
      .action(async (options) => (await import("./quarantine.ts")).runQuarantineDrop(io, options)),
  )
  return quarantine
}

function withChoice(command: Command): Command {
  return command
    .option("--reason-code <code>", "those rejected for this reason, such as not-an-ip", nonEmpty)
    .option("--id <id...>", "these messages", collect)
    .option("--all", "all of them")
}

function collect(id: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, nonEmpty(id)]
}
