import { createHash } from "node:crypto"
import pg from "pg"
import { createMaskField } from "../../src/mask/mask.ts"
import type { TokenOf } from "../../src/recover/open.ts"
import { createTokenOf } from "../../src/recover/token-of.ts"
import { createDataKey } from "../../src/vault/data-key.ts"
import { seal } from "../../src/vault/seal.ts"
import { CANARIES } from "../canaries.ts"
import type { TestDatabase } from "../database.ts"
import { LOGIN } from "../shape.ts"
import { createIdentity } from "../vault/keys.ts"

export const MASK_KEY = { id: "k1", bytes: new Uint8Array(Buffer.from(CANARIES.maskKey[1], "hex")) }

export const tokenOf: TokenOf = createTokenOf([MASK_KEY], LOGIN)

export const REASON = "fraud case, see the ticket"

/** The token of a device's id. */
export const deviceToken = createMaskField(MASK_KEY, LOGIN.table, "device_id")

export interface Clear {
  readonly subject: string
  readonly field: "ip" | "device_id"
  readonly value: string
}

export interface SealedRows {
  readonly dataKey: { readonly id: Uint8Array; readonly wrapped: Uint8Array }
  readonly rows: readonly (Clear & { readonly token: string; readonly sealed: Uint8Array })[]
  /** Opens the data key. */
  readonly identity: string
}

/** Seal originals as a drain would. */
export async function sealed(clear: readonly Clear[]): Promise<SealedRows> {
  const { identity, recipient } = await createIdentity()
  const dataKey = await createDataKey([recipient])
  const rows = clear.map(({ subject, field, value }) => {
    const token = createMaskField(MASK_KEY, LOGIN.table, field)(value)
    const context = { kind: "original", table: LOGIN.table, subject, field, token } as const
    return { subject, field, value, token, sealed: seal(dataKey, context, value) }
  })
  return { dataKey, rows, identity }
}

/** Statements that store them; a writer may run these. */
export function storing({ dataKey, rows }: SealedRows): readonly { text: string; values: unknown[] }[] {
  const column = <K extends keyof (typeof rows)[number]>(name: K) => rows.map((row) => row[name])
  return [
    {
      text: "insert into vault.data_keys (id, recipients, wrapped) values ($1, $2, $3)",
      values: [dataKey.id, ["age1test"], dataKey.wrapped],
    },
    {
      text: `insert into vault.originals (subject, field, token, sealed, data_key)
        select *, $5 from unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) on conflict do nothing`,
      values: [column("subject"), column("field"), column("token"), column("sealed"), dataKey.id],
    },
  ]
}

/** Put originals into a vault. */
export async function fillVault(database: TestDatabase, clear: readonly Clear[]): Promise<SealedRows> {
  const made = await sealed(clear)
  for (const { text, values } of storing(made)) await database.query(text, values)
  return made
}

/** The n-th device, of a subject of its own. */
export const device = (n: number): Clear => ({
  subject: `user-${n}`,
  field: "device_id",
  value: `device ${createHash("sha256").update(String(n)).digest("hex")}`,
})

/** A session as psql has one: statements, and what they answer. */
export interface Session extends AsyncDisposable {
  readonly user: string
  run<Row extends pg.QueryResultRow = pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
}

/** Log in as a new user with these roles. */
export async function session(database: TestDatabase, ...roles: string[]): Promise<Session> {
  return sessionOf((await database.login(...roles)).url)
}

export async function sessionOf(url: string): Promise<Session> {
  const client = new pg.Client({ connectionString: url })
  client.on("error", () => {})
  await client.connect()
  return {
    user: client.user ?? "",
    run: async (text, values) => (await client.query(text, values)).rows,
    [Symbol.asyncDispose]: () => client.end(),
  }
}

/** Request by token, as SQL. @returns The request's id. */
export async function request(
  by: Session,
  tokens: readonly string[],
  subject: string | null = null,
): Promise<string> {
  const [answer] = await by.run<{ status: string; id: string }>(
    "select status, id from vault.request($1, $2, $3, 'SEC-7')",
    [tokens, subject, REASON],
  )
  if (answer?.status !== "requested") throw new Error(`request: ${answer?.status}`)
  return answer.id
}

export async function release(by: Session, id: string): Promise<{ status: string; originals: number }> {
  const [answer] = await by.run<{ status: string; originals: number }>("select * from vault.release($1)", [
    id,
  ])
  if (answer === undefined) throw new Error("release answered nothing")
  return { status: answer.status, originals: answer.originals }
}

export async function collect(by: Session, id: string): Promise<{ token: string; sealed: Buffer }[]> {
  return by.run("select token, sealed from vault.collect($1)", [id])
}

export interface Entry {
  readonly actor: string
  readonly action: string
  readonly tokens: number
  readonly requestId: string | null
  readonly outcome: string
  readonly why: string | null
}

/** What is committed in the audit log, as another session sees it. */
export function auditLog(database: TestDatabase): Promise<Entry[]> {
  return database.query<Entry & pg.QueryResultRow>(`
    select actor, action, tokens, request_id::text as "requestId",
      details::jsonb ->> 'outcome' as outcome, details::jsonb ->> 'why' as why
    from vault.audit order by position`)
}
