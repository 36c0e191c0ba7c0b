import { chown, rm, stat, writeFile } from "node:fs/promises"
import { networkInterfaces } from "node:os"
import { join } from "node:path"
import type { TLSSocket } from "node:tls"
import pg from "pg"
import { vi } from "vitest"
import { peppermill } from "../binary.ts"
import type { Identity } from "../certificate.ts"
import { startPostgres } from "../start-postgres.ts"

/** An address of this machine that a client takes for another: TLS is not asked for on loopback. */
export const OUTER_ADDRESS = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address

export const LOGIN_NAME = "tls_writer"
export const PASSWORD = "canary-password-tls"

/**
 * A PostgreSQL that speaks TLS, and would let anybody in who knows the password,
 * with TLS or without: what keeps a client out is the client.
 */
export async function openTlsDatabase(address: string) {
  const server = await startPostgres({
    settings: { listen_addresses: `127.0.0.1,${address}` },
    authentication: [`host all all ${address}/32 password`],
  })
  const { port } = new URL(server.url)
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  const { status, stderr } = await peppermill(["init"], { env: { PEPPERMILL_DATABASE_URL: server.url } })
  if (status !== 0) throw new Error(stderr)
  await admin.query(
    `create role ${LOGIN_NAME} login password '${PASSWORD}' in role peppermill_writer;
     create table public.seen (at timestamptz);
     create function public.see() returns event_trigger language plpgsql security definer as $$
       begin
         if session_user = '${LOGIN_NAME}' then insert into public.seen values (now()); end if;
       end $$;
     create event trigger see on login execute function public.see()`,
  )

  async function shown(): Promise<string> {
    const client = new pg.Client({ connectionString: server.url, ssl: { rejectUnauthorized: false } })
    try {
      await client.connect()
      const { stream } = (client as unknown as { connection: { stream: TLSSocket } }).connection
      return stream.getPeerCertificate().raw.toString("base64")
    } catch {
      return "no TLS yet"
    } finally {
      await client.end().catch(() => {})
    }
  }

  return {
    port,
    url: `postgres://${LOGIN_NAME}:${PASSWORD}@${address}:${port}/postgres`,
    /** Show this certificate from now on. */
    async show(identity: Identity) {
      const { uid, gid } = await stat(server.databaseDir)
      for (const [name, text] of [
        ["server.crt", identity.cert],
        ["server.key", identity.key],
      ] as const) {
        const path = join(server.databaseDir, name)
        await rm(path, { force: true })
        await writeFile(path, text, { mode: 0o600 })
        // PostgreSQL may run as another user than we.
        await chown(path, uid, gid)
      }
      await admin.query("alter system set ssl = on")
      await admin.query("select pg_reload_conf()")
      // A reload takes a moment.
      const wanted = identity.cert.replace(/-----.*-----|\s/g, "")
      await vi.waitUntil(async () => (await shown()) === wanted, { timeout: 10_000, interval: 50 })
    },
    /** How many sessions got in with our login's password since the last call. */
    async sessions(): Promise<number> {
      const { rowCount } = await admin.query("delete from public.seen")
      return rowCount ?? 0
    },
    /** Forget what runs before have stored. */
    async empty() {
      await admin.query("truncate user_logins, peppermill.ledger")
    },
    async close() {
      await admin.end()
      await server.stop()
    },
  }
}
