import { UserError } from "../errors.ts"
import { readAuthorities } from "./authorities.ts"
import type { Config } from "./config.ts"
import { readQueueUrl } from "./queue-url.ts"
import { REFERENCE_FORMS, type Reference } from "./reference.ts"
import { readSecretFile } from "./secret-file.ts"
import { fetchSecret } from "./secrets-manager.ts"

/** Reads what references refer to, each place once until it is forgotten. */
export interface Reader {
  /** @throws UserError that says what is wrong with the place, never what is in it. */
  read(reference: Reference): Promise<string>
  forget(reference: Reference): void
}

type Env = Readonly<Record<string, string | undefined>>

export function createReader(config: Config, env: Env): Reader {
  // By place, not by reference: two keys of one JSON secret are one request.
  const places = new Map<string, Promise<string>>()
  return {
    async read(reference) {
      const place = placeOf(reference)
      const text = places.get(place) ?? fetchPlace(reference, config, env)
      places.set(place, text)
      const whole = withoutLastNewline(await text)
      return reference.kind === "aws-sm" && reference.key !== null ? pick(whole, reference.key) : whole
    },
    forget: (reference) => void places.delete(placeOf(reference)),
  }
}

async function fetchPlace(reference: Reference, config: Config, env: Env): Promise<string> {
  switch (reference.kind) {
    case "env": {
      const text = env[reference.name]
      if (text !== undefined) return text
      throw new UserError("config", "the variable is not set", {
        hint: `set ${reference.name}, or refer to another place (${REFERENCE_FORMS})`,
      })
    }
    case "file":
      return readSecretFile(reference.path)
    case "aws-sm": {
      const { endpoint, caFile } = config.secrets
      const ca = caFile === null ? null : await readAuthorities(caFile, "secrets.caFile")
      return fetchSecret(reference.id, { region: secretsRegion(reference.id, config, env), endpoint, ca })
    }
  }
}

function secretsRegion(id: string, config: Config, env: Env): string {
  const region =
    config.secrets.region ??
    /^arn:[^:]*:secretsmanager:([^:]+):/.exec(id)?.[1] ??
    config.queue.region ??
    (config.queue.url === null ? null : readQueueUrl({ ...config.queue, url: config.queue.url }).region) ??
    (env["AWS_REGION"] || env["AWS_DEFAULT_REGION"])
  if (region) return region
  throw new UserError("config", "secrets.region is not set", { hint: "set secrets.region or AWS_REGION" })
}

/** What stands at `key` in a JSON secret: a key of that name, or a path of keys joined by dots. */
function pick(text: string, key: string): string {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    throw new UserError("config", "the secret is not JSON, so it has no keys")
  }
  const own = (holder: unknown, name: string): unknown =>
    typeof holder === "object" && holder !== null && Object.hasOwn(holder, name)
      ? (holder as Record<string, unknown>)[name]
      : undefined
  found = own(found, key) ?? key.split(".").reduce(own, found)
  if (typeof found === "string") return found
  throw new UserError("config", found === undefined ? "the secret has no such key" : "the key holds no text")
}

/** Editors and `echo` end a file with a newline that nobody means. One only: a key has no blank lines. */
function withoutLastNewline(text: string): string {
  return text.replace(/\r?\n$/, "")
}

function placeOf(reference: Reference): string {
  switch (reference.kind) {
    case "env":
      return `env:${reference.name}`
    case "file":
      return `file:${reference.path}`
    case "aws-sm":
      return `aws-sm:${reference.id}`
  }
}
