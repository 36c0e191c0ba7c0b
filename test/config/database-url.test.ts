import { inspect } from "node:util"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { parseDatabaseSecret } from "../../src/config/database-secret.ts"
import { hidePassword, parseDatabase, parseDatabaseUrl } from "../../src/config/database-url.ts"
import { refusal, wordsOf } from "./scenario.ts"

const VERIFIED = { rejectUnauthorized: true, servername: "db.example.com" }

describe("a database URL", () => {
  test("gives every part, percent-decoded", () => {
    expect(parseDatabaseUrl("postgres://u:p%40ss%2Fw%23@127.0.0.1:5433/my%20db")).toEqual({
      kind: "postgres",
      host: "127.0.0.1",
      port: 5433,
      user: "u",
      password: "p@ss/w#",
      database: "my db",
      tls: null,
      caFile: null,
      applicationName: "peppermill",
    })
  })

  test.each([
    ["postgres://u:p@db.example.com/d", { host: "db.example.com", port: 5432, tls: VERIFIED }],
    ["postgresql://u:p@db.example.com/d?sslmode=verify-full", { tls: VERIFIED }],
    ["postgres://u:p@db.example.com/d?sslrootcert=%2Fca.pem", { tls: VERIFIED, caFile: "/ca.pem" }],
    ["postgres://u:p@192.0.2.1/d", { tls: { rejectUnauthorized: true } }],
    ["postgres://u:p@[2001:db8::1]:1/d", { host: "2001:db8::1", port: 1, tls: { rejectUnauthorized: true } }],
    ["postgres://u:p@localhost/d", { tls: null }],
    [
      "postgres://u:p@localhost/d?sslmode=verify-full",
      { tls: { rejectUnauthorized: true, servername: "localhost" } },
    ],
    ["postgres://u:p@[::1]/d?sslmode=disable", { host: "::1", tls: null }],
    ["postgres://u:p@127.9.9.9/d", { tls: null }],
    ["postgres://u@/d?host=/run/postgresql", { host: "/run/postgresql", password: "", tls: null }],
    ["postgres://u@%2Frun%2Fpostgresql/d", { host: "/run/postgresql", tls: null }],
    ["postgres://u:p@h/d?application_name=a%20b", { applicationName: "a b" }],
    ["postgres://u:a+b:c@h/d", { password: "a+b:c" }],
  ])("%s is accepted", (url, parts) => {
    expect(parseDatabaseUrl(url)).toMatchObject(parts)
  })

  test.each([
    ["pglite:memory", null],
    ["pglite:/var/lib/my data", "/var/lib/my data"],
    ["pglite:./here", "./here"],
  ])("%s is the embedded database", (url, directory) => {
    expect(parseDatabaseUrl(url)).toEqual({ kind: "pglite", directory })
  })

  test.each([
    ["", /is not a PostgreSQL address/],
    ["mysql://u:HUNTER2@127.0.0.1/d", /is not a PostgreSQL address/],
    ["postgres:u:HUNTER2@h/d", /is not a PostgreSQL address/],
    ["POSTGRES://u:HUNTER2@h/d", /is not a PostgreSQL address/],
    ["pglite:", /names no directory/],
    ["postgres://u:HUNTER2@127.0.0.1/d?ssl=yes", /has the parameter ssl$/m],
    ["postgres://u:HUNTER2@db.example.com/d?sslmode=disable", /sslmode=disable for another host/],
    ["postgres://u:HUNTER2@127.0.0.1.example.com/d?sslmode=disable", /sslmode=disable for another host/],
    ["postgres://u:HUNTER2@127.1/d?sslmode=disable", /sslmode=disable for another host/],
    ...["no-verify", "require", "prefer", "allow", "verify-ca", "VERIFY-FULL", "verify-full%20", "true"].map(
      (mode): [string, RegExp] => [
        `postgres://u:HUNTER2@127.0.0.1/d?sslmode=${mode}`,
        /sslmode other than verify-full/,
      ],
    ),
    ["postgres://u:HUNTER2@127.0.0.1/d?sslmode=verify-full&sslmode=disable", /parameter sslmode twice/],
    ["postgres://u:HUNTER2@127.0.0.1/d?sslmode=", /broken parameter sslmode/],
    ["postgres://u:HUNTER2@127.0.0.1/d?sslmode", /broken parameter sslmode/],
    ["postgres://u:HUNTER2@127.0.0.1/d?sslmode=disable=x", /broken parameter sslmode/],
    ["postgres://u:HUNTER2@127.0.0.1/d?&", /unknown parameter/],
    ["postgres://u:HUNTER2@127.0.0.1/d?options=-c%20x", /has the parameter options$/m],
    ["postgres://u:HUNTER2@127.0.0.1/d?SSLMODE=disable", /unknown parameter/],
    ["postgres://u:HUNTER2@127.0.0.1/d?sslrootcert=/ca.pem", /sslrootcert but no TLS/],
    ["postgres://u:HUNTER2@db.example.com/d?sslrootcert=ca.pem", /not an absolute path/],
    ["postgres://u:HUNTER2@db.example.com/d?sslrootcert=system", /not an absolute path/],
    ["postgres://u:HUNTER2@/d?host=/run&sslmode=verify-full", /TLS on a Unix socket/],
    ["postgres://u:HUNTER2@h/d?host=/run", /names a host twice/],
    ["postgres://u:HUNTER2@/d?host=example.com", /no socket's directory/],
    ["postgres://u:HUNTER2@/d", /names no usable host/],
    ["postgres://u:HUNTER2@a,b/d", /names no usable host/],
    ["postgres://u:HUNTER2@a%00b/d", /has a NUL/],
    ["postgres://u:HUNTER2@h", /names no database/],
    ["postgres://u:HUNTER2@h/", /names no database/],
    ["postgres://u:HUNTER2@h/a/b", /more than one part/],
    ["postgres://127.0.0.1/d", /names no user/],
    ["postgres://:HUNTER2@h/d", /names no user/],
    ["postgres://u:HUNTER2@h:0/d", /no usable port/],
    ["postgres://u:HUNTER2@h:65536/d", /no usable port/],
    ["postgres://u:HUNTER2@h:5432x/d", /no usable port/],
    ["postgres://u:HUNTER2@h:/d", /no usable port/],
    ["postgres://u:HUN%TER2@h/d", /broken %XX in its password/],
    ["postgres://u:%ff%fe@h/d", /broken %XX in its password/],
    ["postgres://u:HUN%00TER2@h/d", /has a NUL in its password/],
    ["postgres://u:HUN TER2@h/d", /has a blank or a #/],
    ["postgres://u:HUNTER2\n@h/d", /control characters/],
    // Special characters that somebody forgot to encode: none may move the password elsewhere.
    ["postgres://u:HUNTER2#x@h/d", /has a blank or a #/],
    ["postgres://u:HUNTER2/x@h/d", /names no user/],
    ["postgres://u:HUNTER2?sslmode=x@h/d", /names no user/],
    ["postgres://u:5432/d?HUNTER2@h/d", /names no user/],
    ["postgres://u:x@HUNTER2@h/d", /more than one @/],
  ])("%j is refused, and nothing of it repeated", async (url, message) => {
    const error = await refusal(() => parseDatabaseUrl(url))
    expect(error.kind).toBe("config")
    expect(error.message).toMatch(message)
    expect(wordsOf(error)).not.toMatch(/HUN|TER2/)
  })

  test("carries any password there and back", () => {
    const part = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !text.includes("\0"))
    fc.assert(
      fc.property(part, part, part, fc.integer({ min: 1, max: 65_535 }), (user, password, database, port) => {
        const [u, p, d] = [user, password, database].map(encodeURIComponent)
        expect(parseDatabaseUrl(`postgres://${u}:${p}@db.example.com:${port}/${d}`)).toMatchObject({
          user,
          password,
          database,
          port,
          tls: VERIFIED,
        })
      }),
    )
  })

  test("whatever text it is given, it answers with an address or a UserError that keeps the text to itself", () => {
    const url = fc.tuple(
      fc.constantFrom("postgres://", "postgresql://", "pglite:", ""),
      fc.string({ unit: fc.constantFrom(..."u:@/?#&=%[]., \n\0sslmode=disable".split("")), maxLength: 40 }),
    )
    fc.assert(
      fc.property(url, ([scheme, rest]) => {
        const secret = "Xq7-canary"
        let words = ""
        try {
          parseDatabase(scheme + rest + secret)
        } catch (error) {
          expect(error).toMatchObject({ name: "UserError", kind: "config" })
          words = inspect(error)
        }
        expect(words).not.toContain(secret)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe("shown to people", () => {
  test.each([
    ["postgres://u:HUNTER2@h:1/d?sslmode=disable", "postgres://u:***@h:1/d?sslmode=disable"],
    ["postgresql://u:a:b%40@h/d", "postgresql://u:***@h/d"],
    ["postgres://u@h/d", "postgres://u@h/d"],
    ["pglite:/a:b@c", "pglite:/a:b@c"],
    ["env:DATABASE_URL", "env:DATABASE_URL"],
    ['{"password":"HUNTER2"}', "***"],
  ])("%s is %s", (text, shown) => {
    expect(hidePassword(text)).toBe(shown)
  })

  test("no accepted URL shows its password", () => {
    const password = fc
      .string({ unit: "grapheme", minLength: 1 })
      .map((text) => `Xq7${text.replaceAll("\0", "")}`)
    fc.assert(
      fc.property(password, (text) => {
        const url = `postgres://u:${encodeURIComponent(text)}@h/d`
        expect(parseDatabaseUrl(url)).toMatchObject({ password: text })
        expect(hidePassword(url)).toBe("postgres://u:***@h/d")
      }),
    )
  })
})

describe("a database secret as Amazon RDS writes it", () => {
  const secret = { username: "u", password: "HUNTER2", host: "db.example.com", dbname: "d" }

  test.each([
    [{ ...secret, engine: "postgres", port: 5433 }, 5433],
    [{ ...secret, engine: "aurora-postgresql", port: "5433" }, 5433],
    [{ ...secret, dbInstanceIdentifier: "x" }, 5432],
  ])("%j is accepted", (json, port) => {
    const address = {
      host: "db.example.com",
      port,
      user: "u",
      password: "HUNTER2",
      database: "d",
      tls: VERIFIED,
    }
    expect(parseDatabase(JSON.stringify(json))).toMatchObject(address)
  })

  test.each([
    [{ username: "u", host: "HUNTER2" }, /has no password, dbname$/],
    [{ ...secret, password: "" }, /has no password$/],
    [{ ...secret, username: undefined }, /has no username$/],
    [{ ...secret, password: 5 }, /has a password that is not text/],
    [{ ...secret, port: 0 }, /no usable port/],
    [{ ...secret, port: 5432.5 }, /no usable port/],
    [{ ...secret, port: null }, /no usable port/],
    [{ ...secret, port: "HUNTER2" }, /no usable port/],
    [{ ...secret, host: "HUNTER2,b" }, /no usable host/],
    [{ ...secret, engine: "HUNTER2" }, /engine other than postgres/],
    [[secret], /is not a JSON object/],
    [null, /is not a JSON object/],
  ])("%j is refused, naming fields and no value", async (json, message) => {
    const error = await refusal(() => parseDatabaseSecret(JSON.stringify(json)))
    expect(error.message).toMatch(message)
    expect(wordsOf(error)).not.toContain("HUNTER2")
  })

  test("broken JSON is not quoted", async () => {
    const error = await refusal(() => parseDatabase('{"password": HUNTER2}'))
    expect(error.message).toBe("begins like JSON but is not")
    expect(wordsOf(error)).not.toContain("HUNTER2")
  })
})
