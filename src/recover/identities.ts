import { type FileHandle, open } from "node:fs/promises"
import { armor, Decrypter } from "age-encryption"
import { UserError } from "../errors.ts"

/** Asks a person for the passphrase of an identity file. */
export type AskPassphrase = () => Promise<string>

const MAX_BYTES = 64 * 1024
const AGE_HEADER = "age-encryption.org/v1\n"
const ARMOR_HEADER = "-----BEGIN AGE ENCRYPTED FILE-----"

/**
 * Read the identities of an age identity file. It must be closed to all but its
 * owner; protected by a passphrase (`age -p`), it is asked for.
 *
 * @throws UserError naming the file and the line, never what stands there: kind `permission` for a
 * file that others can read or a passphrase that does not open it, `config` for anything else.
 */
export async function readIdentities(path: string, askPassphrase?: AskPassphrase): Promise<string[]> {
  const file = await open(path, "r").catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(path, cause)
  })
  try {
    // The open file is asked, not the path: in between, another file could take its place.
    await requirePrivate(file, path)
    return await parseIdentities(await readAtMost(file, path), path, askPassphrase)
  } finally {
    await file.close()
  }
}

/**
 * Parse the content of an age identity file: one `AGE-SECRET-KEY-1…` or
 * `AGE-SECRET-KEY-PQ-1…` a line, `#` comments and empty lines between them; or the
 * same encrypted with a passphrase, armored or not.
 *
 * @param name - What to call it in errors.
 * @throws UserError as {@link readIdentities}.
 */
export async function parseIdentities(
  content: Uint8Array,
  name: string,
  askPassphrase?: AskPassphrase,
): Promise<string[]> {
  const text = Buffer.from(content).toString("latin1")
  const armored = text.trimStart().startsWith(ARMOR_HEADER)
  if (!armored && !text.startsWith(AGE_HEADER)) return identityLines(text, name)
  if (askPassphrase === undefined) {
    throw new UserError("config", `${name} is protected by a passphrase, and there is nobody to ask`, {
      hint: "run it on a terminal, or give an identity without a passphrase",
    })
  }
  const decrypter = new Decrypter()
  decrypter.addPassphrase(await askPassphrase())
  let opened: Uint8Array
  try {
    opened = await decrypter.decrypt(armored ? armor.decode(text) : content)
  } catch {
    throw new UserError("permission", `${name}: the passphrase does not open it`, {
      hint: "try again; if it was not made by age -p, decrypt it with age first",
    })
  }
  return identityLines(Buffer.from(opened).toString("latin1"), name)
}

function identityLines(text: string, name: string): string[] {
  const identities: string[] = []
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim()
    if (line === "" || line.startsWith("#")) continue
    const why = whyRefused(line)
    if (why !== null) {
      throw new UserError("config", `${name}:${index + 1}: ${why}`, {
        hint: "an identity file is what age-keygen writes: each identity a line that begins with AGE-SECRET-KEY-",
      })
    }
    identities.push(line)
  }
  if (identities.length === 0) {
    throw new UserError("config", `${name} holds no age identity`, { hint: "age-keygen makes one" })
  }
  return identities
}

function whyRefused(line: string): string | null {
  if (line.startsWith("age1")) return "is a recipient, a public key: it can only seal"
  if (line.startsWith("AGE-PLUGIN-")) return "is an identity for an age plugin, which cannot be asked"
  if (!line.startsWith("AGE-SECRET-KEY-")) return "is not an age identity"
  try {
    new Decrypter().addIdentity(line)
    return null
  } catch {
    return "is not a valid age identity: a character is wrong or missing"
  }
}

async function requirePrivate(file: FileHandle, path: string): Promise<void> {
  const { mode } = await file.stat()
  // Windows keeps permissions elsewhere and reports 0666 for every file.
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    throw new UserError("permission", `identity file ${path} can be read or written by others`, {
      hint: `chmod 600 ${path}`,
    })
  }
}

async function readAtMost(file: FileHandle, path: string): Promise<Uint8Array> {
  const buffer = Buffer.alloc(MAX_BYTES + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length).catch((cause: NodeJS.ErrnoException) => {
      throw unreadable(path, cause)
    })
    if (bytesRead === 0) return buffer.subarray(0, length)
    length += bytesRead
  }
  throw new UserError("config", `identity file ${path} is larger than 64 kB: it is not one`)
}

function unreadable(path: string, cause: NodeJS.ErrnoException): UserError {
  const kind = cause.code === "EACCES" || cause.code === "ERR_ACCESS_DENIED" ? "permission" : "config"
  return new UserError(kind, `identity file ${path} cannot be read: ${cause.code}`, { cause })
}
