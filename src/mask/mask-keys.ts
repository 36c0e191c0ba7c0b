import { UserError } from "../errors.ts"
import { deriveKey, hmacSha256 } from "./derive.ts"

/** The pepper: 32 secret bytes under a name that stands in every token they make. */
export interface MaskKey {
  readonly id: string
  readonly bytes: Uint8Array
}

/** The keys a run knows. New tokens are made under `active`; the others are still answered for. */
export interface MaskKeys {
  readonly active: MaskKey
  /** Every key, the active one first. */
  readonly live: readonly MaskKey[]
}

/**
 * Read mask keys: exactly 64 hex digits each.
 *
 * @param texts - Key id → text, as the secret store gave it.
 * @param otherSecrets - Secrets of another purpose, which a mask key must not repeat.
 * @throws UserError of kind `config` naming the key's id: a wrong length, other
 * characters, all bytes equal, the same key twice, a key of another purpose.
 */
export function parseMaskKeys(
  texts: Readonly<Record<string, string>>,
  activeKey: string,
  otherSecrets: readonly string[] = [],
): MaskKeys {
  const seen = new Map<string, string>()
  const keys = Object.entries(texts).map(([id, text]): MaskKey => {
    const key = parseMaskKey(id, text)
    const digits = text.toLowerCase()
    const twin = seen.get(digits)
    if (twin !== undefined) throw refuse(id, `is the same key as ${twin}`)
    if (otherSecrets.some((secret) => secret.toLowerCase() === digits)) {
      throw refuse(id, "is also used for another purpose")
    }
    seen.set(digits, id)
    return key
  })
  const active = keys.find((key) => key.id === activeKey)
  if (active === undefined) {
    throw new UserError("config", `masking.activeKey: there is no key ${activeKey} in masking.keys`, {
      hint: "name one of the keys under masking.keys",
    })
  }
  return { active, live: [active, ...keys.filter((key) => key !== active)] }
}

/** What the database remembers of a key, to notice another one under its name. Tells nothing about the key. */
export function checkValue(key: MaskKey): string {
  const checkKey = deriveKey(key.bytes, utf8("peppermill/key-check/v1"))
  return Buffer.from(hmacSha256(checkKey, utf8(key.id))).toString("hex")
}

function parseMaskKey(id: string, text: string): MaskKey {
  if (text === "") throw refuse(id, "is empty")
  if (!/^[0-9a-fA-F]*$/.test(text)) throw refuse(id, "has characters other than hex digits")
  if (text.length !== 64) throw refuse(id, `has ${text.length} hex digits, not 64`)
  const bytes = Uint8Array.from(Buffer.from(text, "hex"))
  if (bytes.every((byte) => byte === bytes[0])) throw refuse(id, "repeats one byte, so anybody can guess it")
  return { id, bytes }
}

function refuse(id: string, why: string): UserError {
  return new UserError("config", `masking.keys.${id}: the key ${why}`, {
    hint: "a mask key is 32 random bytes as 64 hex digits: peppermill keys new makes one",
  })
}

const utf8 = (text: string) => new TextEncoder().encode(text)
