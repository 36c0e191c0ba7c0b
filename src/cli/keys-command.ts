import { Command } from "commander"
import type { Io } from "../io.ts"
import { withIdentity, withWhy } from "./keeping-options.ts"
import { nonEmpty, withCommonOptions } from "./options.ts"

const EXAMPLES = `
Examples
  peppermill keys new                                      a key; keep it as a secret
  peppermill keys rotate --id k2                           once masking.keys has k2
  peppermill keys rekey --from k1 --to k2 --identity vault.key --reason "yearly change of keys"
  peppermill keys recipients add age1… --identity vault.key
  peppermill keys recipients remove age1… --identity vault.key

To change the mask key: make one, name it under masking.keys beside the old one,
rotate, set masking.activeKey to it, restart the drains, rekey. Until then the same
person has two tokens, and mask prints both.

rekey and recipients go on where they stopped, and take the role peppermill_keeper.
`

/** `peppermill keys`: mask keys and data keys. */
export function keysCommand(io: Io): Command {
  const keys = new Command("keys").description("mask keys and data keys").addHelpText("after", EXAMPLES)
  keys.addCommand(
    new Command("new")
      .description("make a mask key: 32 random bytes as 64 hex digits")
      .action(async () => (await import("./keys.ts")).runNewKey(io)),
  )
  keys.addCommand(
    withCommonOptions(new Command("ls"))
      .description("mask keys with what is under them, data keys with who may open them")
      .option("--no-counts", "do not count what is under the mask keys: that reads the whole event table")
      .action(async (options) => (await import("./keys-ls.ts")).runKeysLs(io, options)),
  )
  keys.addCommand(
    withCommonOptions(new Command("rotate"))
      .description("check a new mask key and record it, before it is made active")
      .requiredOption("--id <id>", "the new key's id, as under masking.keys", nonEmpty)
      .action(async (options) => (await import("./keys-rotate.ts")).runKeysRotate(io, options)),
  )
  keys.addCommand(
    withIdentity(withWhy(withCommonOptions(new Command("rekey"))))
      .description("move old rows to another mask key, and retire the old one")
      .requiredOption("--from <id>", "the old key", nonEmpty)
      .requiredOption("--to <id>", "the new key", nonEmpty)
      .action(async (options) => (await import("./keys-rekey.ts")).runKeysRekey(io, options)),
  )
  const recipients = new Command("recipients").description("who may open the vault")
  for (const change of ["add", "remove"] as const) {
    recipients.addCommand(
      withIdentity(withWhy(withCommonOptions(new Command(change))))
        .description(
          change === "add"
            ? "wrap every data key for one recipient more"
            : "wrap every data key anew without this recipient",
        )
        .argument("<recipient>", "an age public key: age1… or age1pq1…")
        .action(async (recipient: string, options) =>
          (await import("./keys-recipients.ts")).runKeysRecipients(io, { change, recipient }, options),
        ),
    )
  }
  keys.addCommand(recipients)
  return keys
}
