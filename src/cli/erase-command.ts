import { Command } from "commander"
import type { Io } from "../io.ts"
import { withConfirmation, withIdentity, withWhy } from "./keeping-options.ts"
import { nonEmpty, withCommonOptions } from "./options.ts"

const EXAMPLES = `
Examples
  peppermill erase --subject u-17 --reason "request of the person, art. 17" --ticket DPO-3
  peppermill erase --subject u-17 --reason "request of the person" --identity vault.key --sever
  peppermill erase --subject u-17 --reason "request of the person" --yes --expect 4 > certificate.json

It shows what it will delete and wants the count typed back. The certificate goes
to standard output. It takes the role peppermill_eraser; with peppermill_recoverer
beside it, it also tries a recovery, which must fail.
`

/** `peppermill erase`: delete a person's originals, with a certificate. */
export function eraseCommand(io: Io): Command {
  return withConfirmation(withIdentity(withWhy(withCommonOptions(new Command("erase")))))
    .description("delete a person's originals, and print a certificate in JSON")
    .option("--subject <subject>", "the person", nonEmpty)
    .option("--sever", "also replace the tokens of the person's rows by random ones")
    .addHelpText("after", EXAMPLES)
    .action(async (options) => (await import("./erase.ts")).runErase(io, options))
}
