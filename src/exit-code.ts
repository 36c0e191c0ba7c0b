import { UserError } from "./errors.ts"

/** Process exit statuses. 64 and up are those of sysexits(3); 130 and 143 are 128 + signal. */
export const EXIT = {
  ok: 0,
  usage: 64,
  /** The run ended, but more messages were rejected than allowed. */
  data: 65,
  /** A service did not answer. */
  unavailable: 69,
  /** An error nobody foresaw. */
  bug: 70,
  /** Not done yet: others still hold messages, or a bound was reached before empty. */
  unfinished: 75,
  permission: 77,
  config: 78,
  /** SIGHUP, SIGINT and SIGTERM, after the batch in hand was committed and acknowledged. */
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const

export function exitCodeFor(error: unknown): number {
  return error instanceof UserError ? EXIT[error.kind] : EXIT.bug
}
