import { UserError } from "../errors.ts"
import { readAuthorities } from "./authorities.ts"
import type { Config } from "./config.ts"
import type { DatabaseAddress } from "./database-address.ts"
import { parseDatabase } from "./database-url.ts"
import { createReader } from "./read-reference.ts"
import { parseReference, REFERENCE_FORMS } from "./reference.ts"

/**
 * The secrets that the configuration refers to, read when first asked for and
 * at most once each. Every method throws a `UserError` that names the setting
 * and where its secret should be, never a value.
 */
export interface Secrets {
  /** Where the database is. `again` reads the reference anew: the password may have been rotated. */
  database(options?: { readonly again?: boolean }): Promise<DatabaseAddress>
  /** The text of every mask key, by key id. */
  maskKeys(): Promise<Readonly<Record<string, string>>>
  /** Another secret by its reference, such as an identity. `setting` is what an error calls it. */
  read(reference: string, setting: string): Promise<string>
}

type Env = Readonly<Record<string, string | undefined>>

export function createSecrets(config: Config, env: Env): Secrets {
  const reader = createReader(config, env)

  const secrets: Secrets = {
    async read(text, setting) {
      const reference = parseReference(text)
      if (reference === null) {
        throw new UserError("config", `${setting}: is not a reference to a secret`, {
          hint: `write ${REFERENCE_FORMS}`,
        })
      }
      return named(`${setting} (${text})`, () => reader.read(reference))
    },

    async database({ again = false } = {}) {
      const text = config.database.url
      if (text === null) {
        throw new UserError("config", "database.url is not set", {
          hint: "set database.url in the configuration file, or PEPPERMILL_DATABASE_URL",
        })
      }
      const reference = parseReference(text)
      if (reference === null) return trusting(config, readAddress(text, "database.url"))
      if (again) reader.forget(reference)
      const address = await secrets.read(text, "database.url")
      return trusting(config, readAddress(address, `database.url (${text})`))
    },

    async maskKeys() {
      const keys = Object.entries(config.masking.keys)
      const texts = keys.map(async ([id, reference]) => [
        id,
        await secrets.read(reference, `masking.keys.${id}`),
      ])
      return Object.fromEntries(await Promise.all(texts))
    },
  }
  return secrets
}

function readAddress(text: string, name: string): DatabaseAddress {
  try {
    return parseDatabase(text)
  } catch (error) {
    throw prefixed(name, error)
  }
}

/** The address with its authorities' certificates in it, so that a client need not read files. */
async function trusting(config: Config, address: DatabaseAddress): Promise<DatabaseAddress> {
  if (address.kind === "pglite" || address.tls === null) return address
  const caFile = address.caFile ?? config.database.caFile
  if (caFile === null) return address
  const ca = await readAuthorities(caFile, "database.caFile or sslrootcert")
  return { ...address, caFile, tls: { ...address.tls, ca } }
}

async function named<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw prefixed(name, error)
  }
}

function prefixed(name: string, error: unknown): unknown {
  if (!(error instanceof UserError)) return error
  const { hint, cause } = error
  return new UserError(error.kind, `${name}: ${error.message}`, {
    ...(hint !== undefined && { hint }),
    cause,
  })
}
