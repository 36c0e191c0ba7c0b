import { Encrypter } from "age-encryption"
import { UserError } from "../errors.ts"

const HINT =
  "a recipient is an age public key: age1… or age1pq1…; age-keygen prints the one that goes with an identity"

/**
 * Check recipients before anything is sealed for them: age X25519 keys (`age1…`)
 * and post-quantum hybrid keys (`age1pq1…`), each once.
 *
 * @throws UserError of kind `config` naming the entry by its number, never its
 * text: what stands there by mistake may be an identity.
 */
export function checkRecipients(recipients: readonly string[]): void {
  if (recipients.length === 0) {
    throw new UserError("config", "vault.recipients is empty: nobody could ever open the vault", {
      hint: HINT,
    })
  }
  const seen = new Set<string>()
  for (const [index, recipient] of recipients.entries()) {
    const why = seen.has(recipient) ? "is there twice" : whyRefused(recipient)
    if (why !== null) {
      throw new UserError("config", `vault.recipients: entry ${index + 1} ${why}`, { hint: HINT })
    }
    seen.add(recipient)
  }
}

function whyRefused(recipient: string): string | null {
  if (recipient.trim() !== recipient) return "has blanks around it"
  if (/^AGE-SECRET-KEY-/i.test(recipient)) {
    return "is an identity, a private key: take it out of the configuration and treat it as exposed"
  }
  if (/^age1tag(pq)?1/.test(recipient)) return "needs a hardware key, which recover cannot ask"
  if (/^(ssh-|ecdsa-|sk-)/.test(recipient)) return "is an SSH key"
  if (!recipient.startsWith("age1")) return "is not an age recipient"
  try {
    new Encrypter().addRecipient(recipient)
    return null
  } catch {
    return "is not a valid age recipient: a character is wrong or missing"
  }
}
