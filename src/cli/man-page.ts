import type { EventEmitter } from "node:events"
import type { Argument, Command, Option } from "commander"
import defaults from "../../config/default.yaml" with { type: "text" }
import { EXIT } from "../exit-code.ts"

const STATUSES: Record<keyof typeof EXIT, string> = {
  ok: "Done; of a batch: the queue is empty.",
  usage: "The command line is wrong.",
  data: "More messages were rejected than --max-rejects allows, or a value cannot be taken.",
  unavailable: "The queue, the database or the secret store did not answer.",
  bug: "An error nobody foresaw. Please report it.",
  unfinished: "Not finished: others still hold messages, or a bound was reached before empty.",
  permission: "The queue, the database or the recovery's rules said no.",
  config: "The configuration or the set-up is wrong.",
  hungUp: "Stopped by SIGHUP, after the batch in hand was committed and acknowledged.",
  interrupted: "Stopped by SIGINT, likewise.",
  terminated: "Stopped by SIGTERM, likewise.",
}

export interface Edition {
  readonly version: string
  /** ISO 8601; null: not known. */
  readonly committedAt: string | null
}

/**
 * The manual of `program` and all its commands, in the man(7) language of roff,
 * made from what `--help` is made from.
 */
export function manPage(program: Command, { version, committedAt }: Edition): string {
  const name = program.name()
  const date = committedAt?.slice(0, 10) ?? ""
  return [
    `.TH ${name.toUpperCase()} 1 "${date}" "${name} ${version}" "User Commands"`,
    section("NAME"),
    `${name} \\- ${text(lowerFirst(program.description()).replace(/\.$/, ""))}`,
    section("SYNOPSIS"),
    ...program
      .usage()
      .split(" | ")
      .flatMap((usage, at) => [...(at === 0 ? [] : [".br"]), `.B ${name}`, text(usage)]),
    section("DESCRIPTION"),
    ...DESCRIPTION.flatMap((paragraph, at) => [...(at === 0 ? [] : [".PP"]), ...prose(paragraph)]),
    section("OPTIONS"),
    ...optionsOf(program, []),
    section("COMMANDS"),
    ...program.commands.flatMap((command) => commandPart(command, name, program.options)),
    section("EXIT STATUS"),
    ...Object.entries(EXIT).flatMap(([reason, status]) =>
      tagged(bold(String(status)), STATUSES[reason as keyof typeof EXIT]),
    ),
    section("ENVIRONMENT"),
    ...tagged(bold("PEPPERMILL_*"), "Every key of the configuration: queue.url is PEPPERMILL_QUEUE_URL."),
    ...tagged(bold("AWS_*"), "Region and credentials, as every AWS SDK takes them; no endpoints."),
    ...tagged(bold("NO_COLOR"), "When set and not empty: no colours."),
    section("FILES"),
    ...tagged(
      bold("peppermill.config.yaml"),
      "The configuration: searched for from the working directory upward, then in the XDG configuration folder.",
    ),
    "Its keys, with their defaults and units:",
    ...example(defaults),
    section("NOTES"),
    ...afterHelp(program),
    section("SEE ALSO"),
    ".BR age (1),\n.BR psql (1)",
    "",
  ].join("\n")
}

const DESCRIPTION = [
  "peppermill drains events from an AWS SQS queue, replaces their personal fields with keyed tokens and writes " +
    "them to PostgreSQL. The same value always gets the same token; nobody without the key can turn a token back " +
    "or test a guess. The originals lie sealed in a vault that the writer itself cannot read.",
  "Without a command it is a terminal UI; with --batch it drains to empty, prints a summary and exits.",
]

function commandPart(command: Command, above: string, known: readonly Option[]): readonly string[] {
  if (isHidden(command)) return []
  const name = `${above} ${command.name()}`
  const own = [
    `.SS "${text(command.commands.length > 0 ? name : `${name} ${command.usage()}`)}"`,
    ...prose(sentence(command.description())),
    ...command.registeredArguments.filter(isDescribed).flatMap(argumentPart),
    ...optionsOf(command, known),
    ...paragraph(afterHelp(command)),
  ]
  return [...own, ...command.commands.flatMap((child) => commandPart(child, name, known))]
}

/** Options that mean what they mean everywhere are named, not explained again. */
function optionsOf(command: Command, known: readonly Option[]): readonly string[] {
  const shown = command.options.filter((option) => !option.hidden)
  const again = shown.filter(({ flags, description }) =>
    known.some((other) => other.flags === flags && other.description === description),
  )
  return [
    ...shown
      .filter((option) => !again.includes(option))
      .flatMap((option) => tagged(bold(option.flags), sentence(withDefault(option)))),
    ...paragraph(
      again.length === 0
        ? []
        : [`Also ${again.map(({ long }) => bold(long ?? "")).join(", ")}: see OPTIONS.`],
    ),
  ]
}

function withDefault({ description, defaultValue }: Option): string {
  return typeof defaultValue === "string" ? `${description} (default: ${defaultValue})` : description
}

function argumentPart(argument: Argument): readonly string[] {
  return tagged(`\\fI${text(argument.name())}\\fR`, sentence(argument.description))
}

function isDescribed({ description }: Argument): boolean {
  return description !== undefined && description !== ""
}

/** commander keeps no list of hidden commands; its own help is the one that knows. */
function isHidden(command: Command): boolean {
  const { parent } = command
  return parent !== null && !parent.createHelp().visibleCommands(parent).includes(command)
}

/** What `addHelpText("after", …)` was given. commander hands it to whoever asks for help to be written. */
function afterHelp(command: Command): readonly string[] {
  const parts: string[] = []
  const events: Pick<EventEmitter, "emit"> = command as Command & EventEmitter
  events.emit("afterHelp", { error: false, command, write: (part: string) => parts.push(part) })
  const words = parts.join("").trim()
  return words === "" ? [] : example(words)
}

function section(title: string): string {
  return `.SH "${title}"`
}

function paragraph(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [".PP", ...lines]
}

/** In lines of the length that the tools which check manuals ask for. */
function prose(words: string): readonly string[] {
  return [...words.matchAll(/(\S.{0,70})(?:\s+|$)/g)].map(([, line = ""]) => text(line))
}

function tagged(tag: string, words: string): readonly string[] {
  return [".TP", tag, ...prose(words)]
}

function example(lines: string): readonly string[] {
  return [".nf", ...lines.trimEnd().split("\n").map(text), ".fi"]
}

function bold(words: string): string {
  return `\\fB${text(words)}\\fR`
}

/** As roff takes it: nothing in it is a request or an escape, and a hyphen can be copied as one. */
function text(words: string): string {
  return words
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll('"', "\\(dq")
    .replace(/^[.']/, "\\&$&")
    .replace(
      /[^\n -~]/gu,
      (char) => `\\[u${char.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}]`,
    )
}

function lowerFirst(words: string): string {
  return words.charAt(0).toLowerCase() + words.slice(1)
}

function sentence(words: string): string {
  const last = words.endsWith(".") ? "" : "."
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${last}`
}
