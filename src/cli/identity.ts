import { resolve } from "node:path"
import { parseReference } from "../config/reference.ts"
import type { Secrets } from "../config/secrets.ts"
import type { Io } from "../io.ts"
import { type AskPassphrase, parseIdentities, readIdentities } from "../recover/identities.ts"
import { safe } from "../safe.ts"
import { askSecret } from "./ask-secret.ts"

/**
 * The identities that `--identity` names: a file, or a reference to a secret.
 * A passphrase is asked for on the terminal.
 *
 * @throws UserError as `readIdentities`, or naming the reference.
 */
export async function openIdentities(
  io: Io,
  secrets: Pick<Secrets, "read">,
  option: string,
  ask: AskPassphrase = () => askSecret(`Passphrase of ${safe(option)}: `),
): Promise<readonly string[]> {
  const askIfThere = io.stdinIsTerminal ? ask : undefined
  const reference = parseReference(option)
  if (reference?.kind === "env" || reference?.kind === "aws-sm") {
    const text = await secrets.read(option, "--identity")
    return parseIdentities(Buffer.from(text), `--identity (${option})`, askIfThere)
  }
  return readIdentities(resolve(io.cwd, reference?.path ?? option), askIfThere)
}
