import type { Io } from "../io.ts"
import {
  approveRequest,
  denyRequest,
  pendingRequests,
  requestRecovery,
  requestStatus,
} from "../recover/request.ts"
import { jsonLine } from "./json-line.ts"
import type { CommonOptions } from "./options.ts"
import { requestsText, requestText } from "./recover-text.ts"
import { readWanted, type WantedOptions } from "./recover-wanted.ts"
import { withDatabase } from "./settings-database.ts"

/** `recover request`: ask, and print the request's id. */
export async function runRequest(io: Io, options: WantedOptions): Promise<void> {
  const wanted = await readWanted(io, options)
  await withDatabase(io, options, async (db) => {
    const request = await requestRecovery(db, wanted)
    io.out(options.json ? jsonLine({ schema: 1, request }) : `${request.id}\n`)
    const needed = request.approvalsNeeded
    const next =
      needed === 0
        ? `peppermill recover release ${request.id} --identity FILE`
        : `${needed} approval${needed === 1 ? "" : "s"} by others first: peppermill recover approve ${request.id}`
    io.err(`peppermill: requested, good until ${new Date(request.expiresAtMs).toISOString()}\n`)
    io.err(`peppermill: hint: ${next}\n`)
  })
}

export async function runStatus(io: Io, id: string, options: CommonOptions): Promise<void> {
  await withDatabase(io, options, async (db) => {
    const request = await requestStatus(db, id)
    io.out(options.json ? jsonLine({ schema: 1, request }) : requestText(request))
  })
}

export async function runPending(io: Io, options: CommonOptions): Promise<void> {
  await withDatabase(io, options, async (db) => {
    const requests = await pendingRequests(db)
    if (options.json) io.out(jsonLine({ schema: 1, requests }))
    else if (requests.length === 0) io.err("peppermill: no request waits for approval\n")
    else io.out(requestsText(requests))
  })
}

export async function runApprove(io: Io, id: string, options: CommonOptions): Promise<void> {
  await withDatabase(io, options, (db) => approveRequest(db, id))
  answer(io, options, "approved", id)
}

export async function runDeny(io: Io, id: string, options: CommonOptions): Promise<void> {
  await withDatabase(io, options, (db) => denyRequest(db, id))
  answer(io, options, "denied", id)
}

function answer(io: Io, options: CommonOptions, outcome: string, id: string): void {
  if (options.json) io.out(jsonLine({ schema: 1, request: id, outcome }))
  else io.err(`peppermill: ${outcome}\n`)
}
