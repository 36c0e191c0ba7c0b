import type { CommanderError } from "commander"
import { UserError } from "../errors.ts"

const HELP = "peppermill --help shows the usage"

/** What commander found wrong with the arguments, as ours. `null`: it has printed help, and all is well. */
export function usageError(error: CommanderError): UserError | null {
  if (error.exitCode === 0) return null
  const [message = "", ...more] = error.message.replace(/^error: /, "").split("\n")
  const hint = more.join(" ").replace(/^\((.*)\)$/, "$1")
  return new UserError("usage", withoutValues(error.code, message), { hint: hint === "" ? HELP : hint })
}

/** What somebody typed in the wrong place may be a password or an address: only what looks like a name is repeated. */
function withoutValues(code: string, message: string): string {
  switch (code) {
    case "commander.help":
      return "a command is missing here"
    case "commander.unknownOption":
      return message.replace(/'(.*)'$/s, (_, option: string) => `'${optionName(option)}'`)
    case "commander.unknownCommand":
      return message.replace(/'(.*)'$/s, (_, name: string) => (isName(name) ? `'${name}'` : "in this place"))
    case "commander.excessArguments":
      return message.replace(/ but got (\d+).*$/s, " but got $1.")
    case "commander.invalidArgument":
      return message.replace(/(?: argument|-argument value) '.*' is invalid( for argument '\w+')?\./s, "$1:")
    default:
      return message
  }
}

/** Whether a text looks like the name of a command, and so like nothing that would have to stay secret. */
export const isName = (text: string) => /^[a-z][a-z-]{0,24}$/.test(text)

/** Of `--name=value` and `-nvalue` the name. */
function optionName(option: string): string {
  return /^--[a-z][a-z-]{0,24}(?![^=])/i.exec(option)?.[0] ?? /^-[a-z]/i.exec(option)?.[0] ?? "-"
}
