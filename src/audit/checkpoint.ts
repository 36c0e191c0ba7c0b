import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto"
import { UserError } from "../errors.ts"
import { lengthPrefixed } from "../length-prefixed.ts"
import type { ChainHead } from "./chain.ts"

/** The head of the audit chain at a moment. Signed and kept outside the database, it shows what was changed since. */
export interface Checkpoint extends ChainHead {
  /** Milliseconds since the epoch. */
  readonly atMs: number
}

/** A new Ed25519 key pair, as PEM files: PKCS #8 and SPKI. */
export function createCheckpointKeys(): { readonly privateKey: string; readonly publicKey: string } {
  return generateKeyPairSync("ed25519", {
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  })
}

/**
 * Sign a checkpoint with Ed25519 (RFC 8032).
 *
 * @param privateKey - PEM, PKCS #8.
 * @returns The text of the checkpoint file: one line of JSON.
 * @throws UserError of kind `config` when it is not an Ed25519 private key.
 */
export function signCheckpoint(checkpoint: Checkpoint, privateKey: string): string {
  const key = readKey(() => createPrivateKey(privateKey), "private")
  return fileText(checkpoint, sign(null, signedBytes(checkpoint), key))
}

/**
 * Read a checkpoint file.
 *
 * @param publicKey - PEM, SPKI.
 * @returns The checkpoint, or null when the file is not exactly what {@link signCheckpoint} wrote with the other half of this key.
 * @throws UserError of kind `config` when it is not an Ed25519 public key.
 */
export function readCheckpoint(text: string, publicKey: string): Checkpoint | null {
  const key = readKey(() => createPublicKey(publicKey), "public")
  const file = parse(text)
  if (file === null) return null
  const { checkpoint, signature } = file
  // One checkpoint, one text: whatever else stood in the file would be unsigned.
  if (fileText(checkpoint, signature) !== text) return null
  return verify(null, signedBytes(checkpoint), key, signature) ? checkpoint : null
}

function signedBytes({ size, head, atMs }: Checkpoint): Uint8Array {
  if (head.length !== 32) throw new RangeError(`head: ${head.length} bytes instead of 32`)
  return lengthPrefixed(["peppermill/audit-checkpoint/v1", String(size), head, isoTime(atMs)])
}

function fileText({ size, head, atMs }: Checkpoint, signature: Uint8Array): string {
  const file = {
    schema: 1,
    size,
    head: Buffer.from(head).toString("hex"),
    at: isoTime(atMs),
    signature: Buffer.from(signature).toString("base64"),
  }
  return `${JSON.stringify(file)}\n`
}

const isoTime = (ms: number) => new Date(ms).toISOString()

function parse(text: string): { checkpoint: Checkpoint; signature: Uint8Array } | null {
  try {
    const file = JSON.parse(text) as Record<string, unknown> | null
    const { size, head, at, signature } = file ?? {}
    if (typeof size !== "number" || typeof head !== "string" || head.length !== 64) return null
    if (typeof at !== "string" || typeof signature !== "string") return null
    const atMs = Date.parse(at)
    if (!Number.isSafeInteger(size) || size < 0 || Number.isNaN(atMs)) return null
    return {
      checkpoint: { size, head: new Uint8Array(Buffer.from(head, "hex")), atMs },
      signature: Buffer.from(signature, "base64"),
    }
  } catch {
    return null
  }
}

function readKey(read: () => KeyObject, half: "private" | "public"): KeyObject {
  let key: KeyObject | undefined
  try {
    key = read()
  } catch {
    // What OpenSSL says about a key that it cannot read helps nobody.
  }
  if (key?.asymmetricKeyType === "ed25519") return key
  throw new UserError("config", `the checkpoint key is not an Ed25519 ${half} key in PEM`, {
    hint: "openssl genpkey -algorithm ed25519 makes a private key, openssl pkey -pubout its public half",
  })
}
