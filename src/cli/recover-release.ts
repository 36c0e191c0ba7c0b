import { announce } from "../announce.ts"
import { UserError } from "../errors.ts"
import { EXIT } from "../exit-code.ts"
import type { Io } from "../io.ts"
import { readPolicy } from "../recover/policy.ts"
import { type Opening, type Recovered, recoverInOneStep, release } from "../recover/release.ts"
import { requestStatus } from "../recover/request.ts"
import { createTokenOf } from "../recover/token-of.ts"
import type { Database } from "../sink/connection.ts"
import { openIdentities } from "./identity.ts"
import { jsonLine } from "./json-line.ts"
import { openMaskKeysAtHand } from "./mask-keys-at-hand.ts"
import type { CommonOptions } from "./options.ts"
import { chooseDestination, type DestinationOptions } from "./originals-destination.ts"
import { originalsText } from "./recover-text.ts"
import { readWanted, type WantedOptions } from "./recover-wanted.ts"
import { withDatabase } from "./settings-database.ts"

interface OpeningOptions extends CommonOptions, DestinationOptions {
  readonly identity?: string
}

/** `recover release ID`: open what an approved request asked for. */
export async function runRelease(io: Io, id: string, options: OpeningOptions): Promise<void> {
  await withOpening(io, options, async (db, opening) => ({
    id,
    originals: await release(db, id, opening),
  }))
}

/** `recover` alone: request and release in one step. */
export async function runRecover(
  io: Io,
  options: WantedOptions & OpeningOptions & { readonly all?: boolean },
): Promise<void> {
  if (options.all) {
    await withDatabase(io, options, async (db) => {
      const { rowsPerHour } = await readPolicy(db)
      throw new UserError(
        "permission",
        `--all: nobody may recover more than ${rowsPerHour} originals an hour`,
        {
          hint: "name tokens or a subject",
        },
      )
    })
  }
  const wanted = await readWanted(io, options)
  await withOpening(io, options, async (db, opening) => {
    const { request, originals } = await recoverInOneStep(db, wanted, opening)
    return { id: request.id, originals }
  })
}

/** Get everything ready that opening takes, before a release is spent on it; then open, and hand out. */
async function withOpening(
  io: Io,
  options: OpeningOptions,
  work: (db: Database, opening: Opening) => Promise<{ id: string; originals: readonly Recovered[] }>,
): Promise<void> {
  const { identity } = options
  if (identity === undefined) {
    throw new UserError("usage", "--identity is missing: originals open with an age identity only", {
      hint: "--identity FILE, or a reference such as aws-sm:ID#key",
    })
  }
  const choose = chooseDestination(io, options)
  await withDatabase(io, options, async (db, settings) => {
    const identities = await openIdentities(io, settings.secrets, identity)
    const tokenOf = createTokenOf(await openMaskKeysAtHand(settings), settings.shape)
    await using destination = await choose()
    const { id, originals } = await work(db, { table: settings.shape.table, identities, tokenOf })
    const actor = async () => (await requestStatus(db, id)).requester
    // Others hear of it before anybody has an original in hand, whatever becomes of it.
    await announce(settings, io, { type: "recovery", request: id, originals: originals.length, actor })
    if (originals.every(({ value }) => value === null)) {
      throw new UserError("permission", "none of the originals opens with this identity", {
        hint: "the data keys are wrapped for others, or the rows were tampered with; the release is on record",
      })
    }
    await destination.write(
      options.json ? jsonLine({ schema: 1, request: id, originals }) : originalsText(originals),
    )
    tellOf(io, id, originals)
  })
}

function tellOf(io: Io, id: string, originals: readonly Recovered[]): void {
  io.err(`peppermill: released ${originals.length}, on record under request ${id}\n`)
  const closed = originals.filter(({ value }) => value === null).length
  const strange = originals.filter(({ verified }) => verified === false).length
  if (closed > 0) io.err(`peppermill: ${closed} did not open with this identity, or were tampered with\n`)
  if (strange > 0) io.err(`peppermill: ${strange} did not give the token they are stored under\n`)
  if (closed + strange > 0) io.exitCode = EXIT.data
}
