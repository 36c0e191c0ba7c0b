import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { drainEnv, type Ended, peppermill } from "../binary.ts"
import { createAuthority } from "../certificate.ts"
import { startSecretsManagerStub } from "../secrets-manager-stub.ts"
import { login } from "../shape.ts"
import { startSqsStub } from "../sqs-stub.ts"
import { LONG, report } from "./report.ts"
import { LOGIN_NAME, OUTER_ADDRESS, openTlsDatabase, PASSWORD } from "./tls-database.ts"

/** A way to write a database's address: what is added to the URL, or to the JSON that Amazon RDS writes. */
type Form = { readonly parameters: string } | { readonly json: Readonly<Record<string, unknown>> }

/** What becomes of it: the certificate is verified, or the address is refused before anything is dialled. */
type Verdict = "verified" | "refused"

const FORMS: readonly (readonly [verdict: Verdict, form: Form])[] = [
  ["verified", { parameters: "" }],
  ["verified", { parameters: "?sslmode=verify-full" }],
  ["verified", { parameters: "?sslmode=verify-full&sslrootcert=CA_FILE" }],
  ["verified", { parameters: "?sslrootcert=CA_FILE&application_name=other" }],
  ["refused", { parameters: "?sslmode=disable" }],
  ["refused", { parameters: "?sslmode=allow" }],
  ["refused", { parameters: "?sslmode=prefer" }],
  ["refused", { parameters: "?sslmode=require" }],
  ["refused", { parameters: "?sslmode=verify-ca" }],
  ["refused", { parameters: "?sslmode=no-verify" }],
  ["refused", { parameters: "?sslmode=require&uselibpqcompat=true" }],
  ["refused", { parameters: "?sslmode=verify-full&sslmode=disable" }],
  ["refused", { parameters: "?sslmode=Disable" }],
  ["refused", { parameters: "?ssl=false" }],
  ["refused", { parameters: "?ssl=no-verify" }],
  ["refused", { parameters: "?sslmode=verify-full&sslrootcert=system" }],
  ["verified", { json: {} }],
  ["verified", { json: { engine: "postgres", dbInstanceIdentifier: "logins" } }],
  ["verified", { json: { sslmode: "disable" } }],
  ["verified", { json: { sslmode: "no-verify" } }],
  ["verified", { json: { ssl: false } }],
  ["verified", { json: { ssl: { rejectUnauthorized: false } } }],
  ["verified", { json: { rejectUnauthorized: false, checkServerIdentity: null } }],
  ["verified", { json: { tls: null, ca: "" } }],
]

const TLS_OFF = { NODE_TLS_REJECT_UNAUTHORIZED: "0" }
const PG_OFF = { PGSSLMODE: "no-verify", PGSSLNEGOTIATION: "direct", PGSSLROOTCERT: "/dev/null" }
const ENVIRONMENTS = LONG ? [{}, TLS_OFF, PG_OFF, { ...TLS_OFF, ...PG_OFF }] : [{ ...TLS_OFF, ...PG_OFF }]

/** What is refused is refused before it is known which server there is: the short form tries it at one only. */
const DIALLED = LONG ? FORMS : FORMS.filter(([verdict]) => verdict === "verified")

const titleOf = (form: Form) =>
  "json" in form ? `the JSON secret with ${JSON.stringify(form.json)}` : `postgres://…${form.parameters}`

describe.skipIf(OUTER_ADDRESS === undefined)(
  "to a PostgreSQL beyond loopback (skipped on a machine that has no other address)",
  () => {
    const address = OUTER_ADDRESS ?? ""
    const authority = createAuthority()
    const stranger = createAuthority()
    let database: Awaited<ReturnType<typeof openTlsDatabase>>
    let folder: string
    let caFile: string
    let tried = 0

    beforeAll(async () => {
      database = await openTlsDatabase(address)
      folder = await mkdtemp(join(tmpdir(), "peppermill-tls-"))
      caFile = join(folder, "authority.pem")
      await writeFile(caFile, authority.ca)
      await writeFile(join(folder, "stranger.pem"), stranger.ca)
    })

    afterAll(async () => {
      await database.close()
      await rm(folder, { recursive: true })
    })

    /** One drain of one message. */
    async function run(form: Form, change: Readonly<Record<string, string>>) {
      tried++
      const json = { host: address, port: Number(database.port), username: LOGIN_NAME, password: PASSWORD }
      const secrets = await startSecretsManagerStub({
        database: JSON.stringify({ ...json, dbname: "postgres", ...("json" in form && form.json) }),
      })
      const stub = await startSqsStub()
      stub.send([login()])
      const url =
        "json" in form
          ? "aws-sm:database"
          : database.url + form.parameters.replace("CA_FILE", encodeURIComponent(caFile))
      const ended = await peppermill(["--batch", "--json", "--max-messages", "1"], {
        env: {
          ...drainEnv(stub, url),
          PEPPERMILL_QUEUE_POLLERS: "1",
          PEPPERMILL_DATABASE_CA_FILE: caFile,
          PEPPERMILL_SECRETS_ENDPOINT: secrets.endpoint,
          // The untrusted server's authority, by every variable that might add one.
          NODE_EXTRA_CA_CERTS: join(folder, "stranger.pem"),
          SSL_CERT_FILE: join(folder, "stranger.pem"),
          NODE_USE_SYSTEM_CA: "1",
          ...change,
        },
      })
      const receives = stub.log.filter(({ operation }) => operation === "ReceiveMessage").length
      await Promise.all([stub.close(), secrets.close()])
      return { ...ended, receives }
    }

    function isRefused({ status, stdout, stderr, receives }: Ended & { receives: number }) {
      expect(status, stderr).toBe(78)
      expect(stdout).toBe("")
      expect(receives).toBe(0)
      expect(stderr).toMatch(/^peppermill: /m)
      expect(stderr).not.toContain(PASSWORD)
    }

    describe.each([
      ["of an authority that nobody trusts", stranger, address, FORMS],
      ["of another name", authority, "db.elsewhere.test", DIALLED],
    ])("whose certificate is %s", (_whose, issuer, name, forms) => {
      beforeAll(async () => {
        await database.show(issuer.issue(name))
        await database.sessions()
      })

      test.each(forms)("%s: %j: nobody logs in", async (verdict, form) => {
        for (const ended of await Promise.all(ENVIRONMENTS.map((change) => run(form, change)))) {
          isRefused(ended)
          expect(ended.stderr).toMatch(verdict === "refused" ? /ssl/ : /TLS with PostgreSQL failed/)
        }
        expect(await database.sessions()).toBe(0)
      })
    })

    describe("whose certificate is in order", () => {
      beforeAll(() => database.show(authority.issue(address)))

      test.each(DIALLED)("%s: %j", async (verdict, form) => {
        await database.empty()
        const all = await Promise.all(ENVIRONMENTS.map((change) => run(form, change)))
        if (verdict === "refused") all.forEach(isRefused)
        else for (const { status, stderr } of all) expect(status, stderr).toBe(75)
        const sessions = await database.sessions()
        expect(sessions > 0, `${sessions} sessions`).toBe(verdict === "verified")
      })
    })

    test("every form was tried at every server that it could reach", () => {
      expect(tried).toBe((FORMS.length + 2 * DIALLED.length) * ENVIRONMENTS.length)
      report("P25", `${FORMS.length} forms, ${tried} runs: 0 sessions with a server that is not verified`)
    })
  },
)

test("the forms are twenty-four, and each is another", () => {
  expect(new Set(FORMS.map(([, form]) => titleOf(form))).size).toBe(24)
})
