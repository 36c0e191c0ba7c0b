import { afterAll, beforeAll, expect, test } from "vitest"
import { createDecoder } from "../../src/decode/decode.ts"
import { createMask } from "../../src/mask/mask.ts"
import { eraseSubject, previewErasure, scanQuarantine } from "../../src/recover/erase.ts"
import { countMaskKeyUse, listDataKeys, listMaskKeys } from "../../src/recover/key-ring.ts"
import { readPolicy } from "../../src/recover/policy.ts"
import {
  countQuarantined,
  dropQuarantined,
  quarantinedMessages,
  quarantineGroups,
  releaseMessage,
  requestMessage,
} from "../../src/recover/quarantine.ts"
import { changeRecipients } from "../../src/recover/recipients.ts"
import { rekey } from "../../src/recover/rekey.ts"
import { release } from "../../src/recover/release.ts"
import { replay } from "../../src/recover/replay.ts"
import { approveRequest, denyRequest, pendingRequests, requestRecovery } from "../../src/recover/request.ts"
import { type Database, openDatabase } from "../../src/sink/connection.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { LOGIN } from "../shape.ts"
import { createIdentity } from "../vault/keys.ts"
import { MASK_KEY, REASON, tokenOf } from "./setup.ts"

const WHY = { reason: REASON, ticket: null }
const ALL = { reasonCode: null, ids: null }
const ID = "00000000-0000-4000-8000-000000000000"
const ERASURE = { subject: "u-1", messageIds: [], expected: 0, sever: false }
const { identity, recipient } = await createIdentity()
const identities = [identity]
const sealing = { shape: LOGIN, identities, recipients: [recipient], retrySeconds: 0 }

let database: TestDatabase
let stranger: Database

beforeAll(async () => {
  database = await createDatabase()
  stranger = await openDatabase((await database.login()).address, { poolSize: 1 })
})
afterAll(async () => {
  await stranger.destroy()
  await database.drop()
})

/** What each role is for. */
const WORK: Readonly<Record<string, Readonly<Record<string, (db: Database) => Promise<unknown>>>>> = {
  peppermill_recoverer: {
    "reading the policy": readPolicy,
    "requesting originals": (db) => requestRecovery(db, { tokens: [], subject: "u-1", ...WHY }),
    "releasing them": (db) => release(db, ID, { table: LOGIN.table, identities, tokenOf }),
    "looking at the quarantine": quarantineGroups,
    "listing its messages": (db) => quarantinedMessages(db, {}, 1),
    "requesting a message": (db) => requestMessage(db, ID, WHY),
    "releasing it": (db) => releaseMessage(db, ID, ID, identities),
  },
  peppermill_approver: {
    "listing requests": pendingRequests,
    "approving one": (db) => approveRequest(db, ID),
    "denying one": (db) => denyRequest(db, ID),
  },
  peppermill_eraser: {
    "counting a person's originals": (db) => previewErasure(db, "u-1"),
    "looking for a person in the quarantine": (db) => scanQuarantine(db, "u-1", WHY, identities),
    "erasing a person": (db) => eraseSubject(db, ERASURE, WHY),
    "counting messages": (db) => countQuarantined(db, ALL),
    "dropping them": (db) => dropQuarantined(db, ALL, 0, WHY),
  },
  peppermill_keeper: {
    "listing mask keys": listMaskKeys,
    "counting what is under them": (db) => countMaskKeyUse(db, LOGIN),
    "listing data keys": listDataKeys,
    "re-keying": (db) => rekey(db, WHY, { ...sealing, from: MASK_KEY, to: { ...MASK_KEY, id: "k2" } }),
    "changing recipients": (db) => changeRecipients(db, { change: "add", recipient }, WHY, identities),
    replaying: (db) =>
      replay(db, ALL, WHY, { ...sealing, decode: createDecoder(LOGIN), mask: createMask(MASK_KEY, LOGIN) }),
  },
}

test.each(
  Object.entries(WORK).flatMap(([role, works]) =>
    Object.entries(works).map(([what, work]) => ({ what, role, work })),
  ),
)("who may not do it is told that $what takes $role", async ({ role, work }) => {
  await expect(work(stranger)).rejects.toMatchObject({
    kind: "permission",
    message: "the database user may not do this",
    hint: `grant ${role} to the user of database.url`,
    cause: { code: "42501" },
  })
})
