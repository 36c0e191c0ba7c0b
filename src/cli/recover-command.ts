import { Command, Option } from "commander"
import { closestMatch } from "leven"
import { UserError } from "../errors.ts"
import type { Io } from "../io.ts"
import { nonEmpty, withCommonOptions } from "./options.ts"
import { isName } from "./usage-error.ts"

const EXAMPLES = `
Examples
  peppermill recover request --subject u-17 --reason "fraud case, see ticket" --ticket SEC-7
  peppermill recover approve 0b9f7a52-7c1f-4b8e-9c70-9a3a2f7f1c55      (somebody else)
  peppermill recover release 0b9f7a52-7c1f-4b8e-9c70-9a3a2f7f1c55 --identity vault.key
  peppermill recover --token k1:5a0c… --reason "user asked for it" --identity vault.key

What was asked for, and what came of it, stands in the audit log. A request is
good for one release, by the database user who made it.
`

/** `peppermill recover`: the way back to an original. */
export function recoverCommand(io: Io): Command {
  const recover = withOpening(withWanted(command("recover")))
    .description("bring originals back, with a reason, on the record")
    .argument("[command]")
    .allowExcessArguments()
    .usage("[options] | <command> [options]")
    .addOption(new Option("--all").hideHelp())
    .addHelpText("after", EXAMPLES)
    .action(async (name: string | undefined, options) => {
      if (name !== undefined) throw unknownCommand(recover, name)
      await (await import("./recover-release.ts")).runRecover(io, options)
    })
  recover.addCommand(
    withWanted(command("request"))
      .description("ask for originals; prints the request's id")
      .action(async (options) => (await import("./recover-request.ts")).runRequest(io, options)),
  )
  recover.addCommand(
    withOpening(command("release").argument("<id>", "the request"))
      .description("release an approved request of yours, and open what it asked for")
      .action(async (id: string, options) =>
        (await import("./recover-release.ts")).runRelease(io, id, options),
      ),
  )
  recover.addCommand(
    command("status")
      .argument("<id>", "the request")
      .description("what became of a request")
      .action(async (id: string, options) =>
        (await import("./recover-request.ts")).runStatus(io, id, options),
      ),
  )
  recover.addCommand(
    command("pending")
      .description("the requests that wait for approval")
      .action(async (options) => (await import("./recover-request.ts")).runPending(io, options)),
  )
  recover.addCommand(
    command("approve")
      .argument("<id>", "the request")
      .description("approve somebody else's request")
      .action(async (id: string, options) =>
        (await import("./recover-request.ts")).runApprove(io, id, options),
      ),
  )
  recover.addCommand(
    command("deny")
      .argument("<id>", "the request")
      .description("deny a request: it cannot be released any more")
      .action(async (id: string, options) => (await import("./recover-request.ts")).runDeny(io, id, options)),
  )
  return recover
}

function unknownCommand(recover: Command, name: string): UserError {
  const names = recover.commands.map((command) => command.name())
  const nearest = closestMatch(name, names, { maxDistance: 3 })
  const what = isName(name) ? `there is no command recover ${name}` : "recover has no such command"
  return new UserError("usage", what, {
    hint: nearest === undefined ? "peppermill recover --help lists them" : `did you mean ${nearest}?`,
  })
}

function command(name: string): Command {
  return withCommonOptions(new Command(name))
}

function withWanted(command: Command): Command {
  return command
    .option("--token <token...>", "tokens to recover, as they stand in the event table", collect)
    .option("--tokens-file <path>", "a file with a token a line; - reads standard input", nonEmpty)
    .option(
      "--subject <subject>",
      "the person whose originals to recover; with tokens, only those of hers",
      nonEmpty,
    )
    .option("--reason <text>", "why; 10 characters at least, for those who read the audit log", nonEmpty)
    .option("--ticket <id>", "the ticket or case it belongs to", nonEmpty)
}

function withOpening(command: Command): Command {
  return command
    .option("--identity <file>", "age identity file, or a reference to one (env: file: aws-sm:)", nonEmpty)
    .option("--output <path>", "write the originals to a new file that only you can read", nonEmpty)
    .option("--stdout", "write the originals to standard output even where it is no terminal")
}

function collect(token: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, nonEmpty(token)]
}
