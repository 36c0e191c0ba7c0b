import tab from "@bomb.sh/tab/commander"
import { Command, Option } from "commander"
import { closestMatch } from "leven"
import { UserError } from "../errors.ts"
import type { Io } from "../io.ts"
import type { PartitionWidth } from "../sink/partitions.ts"
import { BUILD, versionJson, versionLine } from "../version.ts"
import { auditCommand } from "./audit-command.ts"
import { eraseCommand } from "./erase-command.ts"
import { keysCommand } from "./keys-command.ts"
import { type CommonOptions, nonEmpty, positiveInteger, withCommonOptions } from "./options.ts"
import { quarantineCommand } from "./quarantine-command.ts"
import { recoverCommand } from "./recover-command.ts"
import { isName } from "./usage-error.ts"

export interface RootOptions extends CommonOptions {
  readonly batch?: boolean
  readonly follow?: boolean
  readonly dryRun?: boolean
  readonly maxMessages?: number
  readonly maxSeconds?: number
  readonly maxRejects: string
  readonly queueUrl?: string
  readonly listen?: string
  readonly ascii?: boolean
  readonly screenReader?: boolean
  readonly color?: boolean
  readonly identity?: string
}

/** The surfaces the root command opens. They are loaded by main.ts, and only when used. */
export interface Surfaces {
  batch(options: RootOptions): Promise<void>
  dryRun(options: RootOptions): Promise<void>
  terminal(options: RootOptions): Promise<void>
  demo(options: { readonly json?: boolean; readonly events?: number }): Promise<void>
}

const EXAMPLES = `
Examples
  peppermill demo                      the whole job on embedded parts, no set-up
  peppermill init                      create or check the tables and roles
  peppermill doctor                    check everything a run needs
  peppermill --batch --json            drain to empty, print one JSON object
  peppermill --batch --follow          drain for ever, until a signal

Exit status
  0 done   64 usage   65 more rejects than allowed   69 a service did not answer
  70 a bug   75 not finished: others hold messages, or a bound was reached
  77 not allowed   78 configuration   130, 143 stopped by a signal, batch finished

Secrets come from the environment, a private file or AWS Secrets Manager, never
from flags.
`

export function createProgram(io: Io, surfaces: Surfaces): Command {
  const program = withCommonOptions(new Command("peppermill"))
    .description("Mask login events from SQS and store them in PostgreSQL.")
    .argument("[command]")
    .usage("[options] | <command> [options]")
    .option("--batch", "no terminal: drain to empty, print a summary, exit")
    .option("--follow", "with --batch: never exit on empty")
    .option("--dry-run", "show what would be written, and put everything back")
    .option("--max-messages <n>", "stop after taking in this many messages", positiveInteger)
    .option("--max-seconds <n>", "stop after this many seconds", positiveInteger)
    .option(
      "--max-rejects <n|n%>",
      "rejected messages that a batch may have and still succeed",
      nonEmpty,
      "0",
    )
    .option("--queue-url <url>", "the queue, instead of queue.url", nonEmpty)
    .option(
      "--listen <[host:]port>",
      "serve /metrics, /livez and /readyz there, instead of observe.listen",
      nonEmpty,
    )
    .option("--ascii", "terminal: draw with ASCII only")
    .option("--screen-reader", "terminal: labelled lines, no drawing")
    .option("--no-color", "terminal: no colours")
    .option("--identity <file>", "terminal: the identity that opens originals", nonEmpty)
    .option("--version", "version, commit, Node and platform")
    .addHelpText("after", EXAMPLES)
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .configureOutput({ writeOut: io.out, writeErr: () => {}, outputError: () => {} })
    .exitOverride()
    .action(async (command: string | undefined, options: RootOptions & { version?: boolean }) => {
      if (options.version) io.out(`${options.json ? versionJson() : versionLine()}\n`)
      else if (command !== undefined) throw unknownCommand(program, command)
      else await openSurface(options, surfaces)
    })
  for (const command of commands(io, surfaces)) program.addCommand(inherit(command, program))
  program.addCommand(inherit(manCommand(io, program), program))
  tab(program, { completionCommandName: "completion" })
  return program
}

async function openSurface(options: RootOptions, surfaces: Surfaces): Promise<void> {
  if (options.batch && options.dryRun) {
    throw new UserError("usage", "--batch and --dry-run exclude each other", { hint: "say one of them" })
  }
  const flag = options.follow ? "--follow" : options.maxSeconds !== undefined ? "--max-seconds" : undefined
  if (flag !== undefined && !options.batch) {
    throw new UserError("usage", `${flag} goes with --batch`, { hint: `peppermill --batch ${flag}` })
  }
  if (options.listen !== undefined && options.dryRun) {
    throw new UserError("usage", "--listen and --dry-run exclude each other", {
      hint: "a dry run has no metrics",
    })
  }
  if (options.batch) await surfaces.batch(options)
  else if (options.dryRun) await surfaces.dryRun(options)
  else await surfaces.terminal(options)
}

/** Written out here, because the usage is shown without anything of the sink. */
const WIDTHS: readonly PartitionWidth[] = ["month", "week", "day"]

function commands(io: Io, surfaces: Surfaces): readonly Command[] {
  const demo = new Command("demo")
    .description("the whole job on an embedded queue and an embedded PostgreSQL, no set-up")
    .option("--json", "answer in JSON, for machines")
    .option("--events <n>", "login events to make up", positiveInteger)
    .action((options) => surfaces.demo(options))

  const init = withCommonOptions(new Command("init"))
    .description("create or check tables, schemas and roles")
    .option("--sql", "print the DDL and do nothing")
    .addOption(
      new Option("--partitioned [by]", "make the event table range-partitioned by month, week or day")
        .choices(WIDTHS)
        .preset("month"),
    )
    .action(async (options) => (await import("./init.ts")).runInit(io, options))

  const doctor = withCommonOptions(new Command("doctor"))
    .description("check everything a run needs, and say what to do")
    .action(async (options) => (await import("./doctor.ts")).runDoctor(io, options))

  const mask = withCommonOptions(new Command("mask"))
    .description("the token of a value under every live key")
    .argument("<value>", "the value, or - to read it from standard input")
    .option("--field <name>", "only this field", nonEmpty)
    .action(async (value: string, options) => (await import("./mask.ts")).runMask(io, value, options))

  const config = new Command("config").description("the configuration")
  withCommonOptions(config.command("print"))
    .description("every key with the origin of its value, secrets hidden")
    .action(async (options) => (await import("./config.ts")).runConfigPrint(io, options))
  config
    .command("schema")
    .description("the JSON Schema, for editors")
    .action(async () => (await import("./config.ts")).runConfigSchema(io))
  withCommonOptions(config.command("check"))
    .description("read the configuration and say whether it is good")
    .action(async (options) => (await import("./config.ts")).runConfigCheck(io, options))

  const licences = new Command("licences")
    .alias("licenses")
    .description("whose work is in this executable, and under what terms")
    .action(async () => (await import("./licences.ts")).runLicences(io))

  return [
    demo,
    init,
    doctor,
    mask,
    recoverCommand(io),
    quarantineCommand(io),
    eraseCommand(io),
    keysCommand(io),
    auditCommand(io),
    config,
    licences,
  ]
}

function manCommand(io: Io, program: Command): Command {
  return new Command("man")
    .description("this manual as a man page, for man -l - or a man1 folder")
    .action(async () => io.out((await import("./man-page.ts")).manPage(program, BUILD)))
}

function inherit(command: Command, program: Command): Command {
  command.copyInheritedSettings(program)
  for (const child of command.commands) inherit(child, command)
  return command
}

function unknownCommand(program: Command, name: string): UserError {
  const names = program.commands.map((command) => command.name())
  const nearest = closestMatch(name, names, { maxDistance: 2 })
  return new UserError("usage", isName(name) ? `there is no command ${name}` : "there is no such command", {
    hint: nearest === undefined ? "peppermill --help lists the commands" : `did you mean ${nearest}?`,
  })
}
