import { expect, test } from "vitest"
import { report, seedOf } from "./report.ts"
import { NO_DIFFERENCES } from "./wire/checker.ts"
import { deviceType, loginMessage } from "./wire/messages.ts"
import { openSite, summaryOf } from "./wire/site.ts"
import { deletes } from "./wire/wire-log.ts"

/** What each code asks for. */
const ACTIONS = {
  data: ["22001", "22003", "22021", "22P02", "22P05", "23502", "23514", "21000"],
  retry: ["40001", "40P01", "55P03", "57014"],
  reconnect: ["08000", "08006", "57P01", "57P02", "57P03", "53300"],
  "reread-secret": ["28P01", "28000"],
  stop: ["25006", "42P01", "42703", "42501", "3D000", "53100", "53200", "58030", "XX000"],
} as const

type Action = keyof typeof ACTIONS

const CASES = Object.entries(ACTIONS).flatMap(([action, codes]) =>
  codes.map((code) => ({ code, action: action as Action })),
)

/** The message whose row the server refuses. */
const CULPRIT = 3
const MESSAGES = 9

test(`PostgreSQL answers with each of ${CASES.length} error codes: one action each, and no deletes where the run must stop`, async () => {
  const seed = seedOf()
  const rest = CASES.values()
  let deletesInStops = 0
  async function lane() {
    for (const { code, action } of rest) {
      const deleted = await raise(code, action, seed)
      if (action === "stop") deletesInStops += deleted
    }
  }
  await Promise.all([lane(), lane()])
  expect(deletesInStops).toBe(0)
  report(
    "P13",
    `${CASES.length} of ${CASES.length} codes as in the table, ${deletesInStops} deletes where it must stop`,
    seed,
  )
}, 300_000)

/** @returns How many messages were deleted. */
async function raise(code: string, action: Action, seed: number): Promise<number> {
  await using site = await openSite({
    seed,
    set: {
      DATABASE_POOL_SIZE: "1",
      QUEUE_VISIBILITY_SECONDS: "30",
      BATCH_LINGER_MS: "200",
      QUEUE_POLLERS: "1",
    },
    messageOf: loginMessage,
  })
  const passing = action === "retry" || action === "reconnect"
  await site.database.query(FAULT)
  await site.database.query(`create trigger fault before insert on user_logins for each row
    when (new.device_type = '${deviceType(CULPRIT)}') execute function fault('${code}', '${passing ? 1 : 1_000_000}')`)
  const ids = site.send(MESSAGES)
  if (action === "data") site.expectRefused(ids[CULPRIT] as string)
  let [tries, lastWrite] = [0, 0]
  const worker = site.worker()
  const ended = await worker.run(() => (chunk) => {
    if (chunk.says.some(({ kind }) => kind === "write")) [tries, lastWrite] = [tries + 1, chunk.connection]
    return "pass"
  })
  const about = `${code}: ${ended.stderr}`
  if (action === "stop" || action === "reread-secret") {
    expect(ended.status, about).toBeGreaterThan(65)
    expect(ended.stderr, about).toContain(`SQLSTATE ${code}`)
    expect(tries, about).toBe(action === "stop" ? 1 : 2)
    expect(deletes(site.log), about).toBe(0)
    expect(await site.database.query("select from user_logins"), about).toEqual([])
    expect(site.queue.countNow(), about).toEqual({ visible: MESSAGES, inFlight: 0 })
    return 0
  }
  expect(ended.status, about).toBe(0)
  expect(await site.check(), about).toEqual(NO_DIFFERENCES)
  expect(summaryOf(ended), about).toMatchObject(
    action === "data" ? { rejections: { "not-storable": 1 }, retried: 0 } : { retried: 1 },
  )
  // What a connection's trouble asks for is a new one; a collision does not.
  if (action !== "data") expect(lastWrite, about).toBe(action === "reconnect" ? 2 : 1)
  return deletes(site.log)
}

/** Raises its first argument as an error code, as often as the second says. */
const FAULT = `
  create sequence faults;
  create function fault() returns trigger language plpgsql security definer as $$
  begin
    if nextval('faults') <= tg_argv[1]::int then
      raise exception using errcode = tg_argv[0], message = 'told to fail';
    end if;
    return new;
  end $$`
