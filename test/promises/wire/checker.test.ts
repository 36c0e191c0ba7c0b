import { expect, test } from "vitest"
import { NO_DIFFERENCES } from "./checker.ts"
import { drainUntilEmpty, openSite } from "./site.ts"

/** Of a device that comes once only. */
const TOKEN = "(select masked_device_id from user_logins where device_type = 't-4')"

/** What somebody does to the database, and what the checker makes of it. */
const TAMPERING = {
  "a row is gone": ["delete from user_logins where device_type = 't-4'", { lost: 1, orphan: 2 }],
  "a reject is gone": [
    "delete from vault.quarantine where ctid in (select ctid from vault.quarantine limit 1)",
    { lost: 1, orphan: 1 },
  ],
  "a row stands twice": [
    "insert into user_logins select * from user_logins where device_type = 't-4'",
    { duplicated: 1 },
  ],
  "a value is another": [
    "update user_logins set locale = 'EN' where device_type = 't-4'",
    { unexpected: 1, orphan: 1 },
  ],
  "nobody sent this": [
    "insert into user_logins select user_id, 't-99', masked_ip, masked_device_id, locale, app_version, create_date from user_logins where device_type = 't-4'",
    { unexpected: 1 },
  ],
  "an original is gone": [`delete from vault.originals where token = ${TOKEN}`, { noTwin: 1 }],
  "a sealed byte is flipped": [
    `update vault.originals set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) where token = ${TOKEN}`,
    { noTwin: 1 },
  ],
  "an original of nobody": [
    "insert into vault.originals (subject, field, token, data_key, sealed) select 'nobody', field, token, data_key, sealed from vault.originals limit 1",
    { orphan: 1 },
  ],
  "a message id of nobody": [
    "insert into peppermill.ledger (message_id) values (gen_random_uuid())",
    { orphan: 1 },
  ],
} as const

test("the checker sees each kind of difference", async () => {
  await using site = await openSite({ seed: 1 })
  const worker = site.worker()
  for (const [what, [statement, difference]] of Object.entries(TAMPERING)) {
    await site.reset()
    site.send(20)
    await drainUntilEmpty(worker)
    expect(await site.check(), `before: ${what}`).toEqual(NO_DIFFERENCES)
    await site.database.query(statement)
    expect(await site.check(), what).toEqual({ ...NO_DIFFERENCES, ...difference })
  }
})
