import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { parseDatabase } from "../../src/config/database-url.ts"
import { isLoopback } from "../../src/config/http-url.ts"
import { queueAddress } from "../../src/config/queue-url.ts"
import { parseReference } from "../../src/config/reference.ts"
import { load } from "./scenario.ts"

const CANARY = "Xq7canary"

/** Everything an error would tell, or null when there was none. */
function toldBy(work: () => unknown): string | null {
  try {
    work()
    return null
  } catch (error) {
    expect(error).toMatchObject({ name: "UserError", kind: "config" })
    const { message, hint, cause, stack } = error as Error & { hint?: string }
    return [message, hint, String(cause ?? ""), stack].join("\n")
  }
}

const joined = (...pieces: readonly string[]) =>
  fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 7 }).map((list) => list.join(""))

/** A host of Amazon's SQS or of this machine, decided by its last labels alone, which is what DNS goes by. */
const AMAZON = /\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws)$|^queue\.amazonaws\.com$/

describe("whatever stands in a queue's url", { timeout: 120_000 }, () => {
  const url = fc.tuple(
    fc.constantFrom("https://", "http://", "https:", "https:\\\\", "//", "HTTPS://", "file://", ""),
    joined(
      ...[
        "sqs.eu-west-1.amazonaws.com",
        "sqs",
        ".eu-west-1",
        ".amazonaws.com",
        "evil.example",
        ".",
        "@",
        ":",
        "443",
      ],
      ...[
        `${CANARY}:${CANARY}@`,
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "localhost",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "%2e",
      ],
      ...["\\", "#", "?", "/", ";", "%00", "ａ", "。", "evil.example\\@", "vpce-1.", ".vpce", "queue", "\t"],
    ),
    fc.constantFrom("/1/logins", "/logins.fifo", "", "/1/", "/1/lo gins", "/../logins"),
  )

  test("nobody is dialled but Amazon, this machine, or the endpoint that was set", async () => {
    const { config } = await load()
    let accepted = 0
    fc.assert(
      fc.property(url, ([scheme, host, path]) => {
        const text = scheme + host + path
        const words = toldBy(() => {
          const { endpoint } = queueAddress(
            { ...config.queue, url: text, region: null },
            { AWS_REGION: "eu-west-1" },
          )
          const dialled = new URL(endpoint)
          const name = dialled.hostname.replace(/^\[(.*)\]$/, "$1")
          expect(AMAZON.test(name) || isLoopback(name), text).toBe(true)
          expect(dialled.protocol === "https:" || isLoopback(name), text).toBe(true)
          expect(endpoint + dialled.username + dialled.password).not.toContain(CANARY)
          accepted++
        })
        if (words !== null) expect(words).not.toContain(CANARY)
      }),
      { numRuns: 10_000 },
    )
    expect(accepted).toBeGreaterThan(0)
  })
})

describe("whatever stands in a database's address", { timeout: 120_000 }, () => {
  const url = fc.tuple(
    fc.constantFrom("postgres://", "postgresql://", "postgres:", "POSTGRES://"),
    joined("u", `u:${CANARY}`, "u:p", ":", "@", "%40", "%2F", "#", "/", "?", "\\", ","),
    fc.constantFrom("@", "@@", ""),
    joined(
      "db.example",
      ".",
      "127.0.0.1",
      "10.0.0.1",
      "localhost",
      "[::1]",
      "[2001:db8::1]",
      ":5432",
      ",",
      "%2Ftmp",
    ),
    fc.constantFrom("/d", "/d/e", "", "/"),
    fc.constantFrom(
      ...[
        "",
        "?sslmode=disable",
        "?sslmode=verify-full",
        "?sslmode=no-verify",
        "?host=/tmp",
        "?host=evil.example",
      ],
      ...[
        "?hostaddr=10.6.6.6",
        "?sslrootcert=/ca.pem",
        "?SSLMODE=disable",
        "?sslmode=disable&sslmode=verify-full",
      ],
    ),
  )

  test("the host is the one that stands there, verified unless it is this machine, and no password is told", () => {
    let accepted = 0
    fc.assert(
      fc.property(url, (parts) => {
        const [scheme, login, at, place, path, query] = parts
        const text = scheme + login + at + place + path + query
        const words = toldBy(() => {
          const address = parseDatabase(text)
          if (address.kind !== "postgres") throw new Error("not what the url says")
          const here = address.host.startsWith("/") || isLoopback(address.host)
          expect(address.tls?.rejectUnauthorized ?? here, text).toBe(true)
          const authority = text.replace(/^[a-z]+:\/\//i, "").split(/[/?]/)[0] ?? ""
          // Decoded afterwards: an encoded @ is a part of the host.
          const named = decodeURIComponent(authority.slice(authority.lastIndexOf("@") + 1))
          if (address.host === "/tmp") expect(text).toMatch(/%2Ftmp|host=\/tmp/)
          else
            expect([
              `${address.host}`,
              `[${address.host}]`,
              `${address.host}:5432`,
              `[${address.host}]:5432`,
            ]).toContain(named)
          accepted++
        })
        if (words !== null) expect(words).not.toContain(CANARY)
      }),
      {
        numRuns: 10_000,
        examples: [
          [["postgres://", "u@%2F%40u", "", "db.example", "/d", ""]],
          [["postgres:", "//u@u", "", "db.example", "/d", ""]],
        ],
      },
    )
    expect(accepted).toBeGreaterThan(0)
  })
})

describe("whatever stands where a secret's reference belongs", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.stringMatching(/^(env|file|aws-sm):[A-Za-z0-9/_+=.@!:#-]*$/),
    fc.stringMatching(/^(env|aws-sm):[0-9a-fA-F]{30,70}$/),
  )

  test("it is read and written the same, or is no reference; a key itself never is one", () => {
    fc.assert(
      fc.property(text, (reference) => {
        const read = parseReference(reference)
        if (read === null) return
        const written =
          read.kind === "env"
            ? `env:${read.name}`
            : read.kind === "file"
              ? `file:${read.path}`
              : `aws-sm:${read.id}${read.key === null ? "" : `#${read.key}`}`
        expect(written).toBe(reference)
        expect(reference).not.toMatch(/^(env|aws-sm):[0-9a-fA-F]{32,}(#.*)?$/)
      }),
      { numRuns: 5_000 },
    )
  })
})
