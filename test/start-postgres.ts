import { fork } from "node:child_process"
import { once } from "node:events"

export interface PostgresOptions {
  /** Of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
  /** Lines to add to pg_hba.conf, which lets in this machine's loopback only. */
  readonly authentication?: readonly string[]
  /** How passwords are asked for. Default: `password`, in clear, which is quick. */
  readonly authMethod?: "password" | "scram-sha-256"
  /** A file for the server's log, which is there once the server has stopped. Only with {@link LOG_STATEMENTS}. */
  readonly keepLog?: string
}

export interface Started {
  /** A superuser's. */
  readonly url: string
  readonly databaseDir: string
  /** Its log, a JSON object a line, as long as it runs. Only with {@link LOG_STATEMENTS}. */
  readonly log: string
}

/** A PostgreSQL server of one's own, empty, in a temporary folder. It takes some two seconds. */
export async function startPostgres(
  options: PostgresOptions = {},
): Promise<Started & { stop(): Promise<void> }> {
  const program = new URL("./postgres-server.ts", import.meta.url)
  const child = fork(program, [JSON.stringify(options)], { execArgv: [] })
  const exited = once(child, "exit")
  const started = await Promise.race([
    once(child, "message").then(([message]) => message as Started),
    exited.then(([code]) => {
      throw new Error(`PostgreSQL for the tests did not start: exit status ${code}`)
    }),
  ])
  return {
    ...started,
    async stop() {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}

/**
 * Every statement is written to the log, with every parameter and the name of the application that sent it. By the
 * server's collector: without it, what two sessions write at a time may come in pieces.
 */
export const LOG_STATEMENTS = {
  logging_collector: "on",
  log_destination: "jsonlog",
  log_filename: "postgresql",
  log_rotation_age: "0",
  log_rotation_size: "0",
  log_statement: "all",
  log_parameter_max_length: "-1",
  log_parameter_max_length_on_error: "-1",
}

/** Everything that comes in is written to the log: once more as parsed, bound and executed. */
export const LOG_EVERYTHING = { ...LOG_STATEMENTS, log_min_duration_statement: "0" }
