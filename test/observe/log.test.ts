import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { DrainEvent } from "../../src/drain-event.ts"
import { UserError } from "../../src/errors.ts"
import { createLog, formatFor, type LogOptions } from "../../src/observe/log.ts"
import type { Happening } from "../../src/observe/log-line.ts"
import { HOSTILE } from "../hostile.ts"

const ABOUT = { service: "peppermill", queue: "logins", run: "0b9f7a52" }

async function logOf(happenings: readonly Happening[], options: Partial<LogOptions> = {}) {
  let text = ""
  const log = await createLog({
    level: "info",
    format: "json",
    write: (line) => {
      text += line
    },
    about: ABOUT,
    now: () => 0,
    ...options,
  })
  for (const happening of happenings) log.tell(happening)
  const lines = text.split("\n")
  expect(lines.pop()).toBe("")
  return lines
}

const jsonOf = async (happenings: readonly Happening[], options: Partial<LogOptions> = {}) =>
  (await logOf(happenings, options)).map((line) => JSON.parse(line) as Record<string, unknown>)

const rejected = (reason: string, field = "ip", messageId = "m1"): DrainEvent => ({
  type: "rejected",
  messageId,
  rejection: { reason, field } as Extract<DrainEvent, { type: "rejected" }>["rejection"],
})

const RETRYING: DrainEvent = {
  type: "retrying",
  service: "database",
  call: "commit",
  code: "40001",
  attempt: 1,
  delayMs: 50,
}

describe("a JSON line", () => {
  test("says when, of which run, service and queue, what, and its fields", async () => {
    const [line] = await jsonOf([RETRYING])
    expect(line).toEqual({
      level: "warn",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      ...ABOUT,
      event: "retrying",
      dependency: "database",
      call: "commit",
      code: "40001",
      attempt: 1,
      delayMs: 50,
      msg: "the database failed (commit, 40001); try 2 in 50 ms",
    })
  })

  test("has no field that is not on the list, whatever an event may carry", async () => {
    const smuggled = { ...rejected("missing"), body: "198.51.100.7", token: "k1:00", receipt: "r" }
    const [line] = await logOf([smuggled as DrainEvent])
    expect(line).not.toMatch(/198\.51|k1:|receipt|"body"/)
  })

  test("of an error of PostgreSQL has SQLSTATE, table, column and constraint", async () => {
    const database = { sqlState: "23514", table: "public.t", column: "c", constraint: "t_check" }
    const error = new UserError("data", "refused (SQLSTATE 23514)", { hint: "look", database })
    const [line] = await jsonOf([{ type: "failed", error, exitStatus: 65 }])
    expect(line).toMatchObject({ level: "error", kind: "data", hint: "look", exitStatus: 65, ...database })
  })

  test("of a bug has the class and the code, and nothing of its message", async () => {
    const error = Object.assign(new TypeError("cannot read 198.51.100.7"), { code: "ERR_X" })
    const [line] = await logOf([{ type: "failed", error, exitStatus: 70 }])
    expect(JSON.parse(line as string)).toMatchObject({ kind: "bug", error: "TypeError", code: "ERR_X" })
    expect(line).not.toContain("198.51")
  })
})

describe("in either format", () => {
  test.each(Object.entries(HOSTILE))(
    "%s in a field begins no line and drives no terminal",
    async (_, payload) => {
      const happenings: readonly Happening[] = [
        rejected(payload, payload, payload),
        { type: "doubt", sentence: payload },
        { type: "draining", queue: payload, table: payload, follow: false, vault: true },
        { type: "failed", error: new UserError("data", payload, { hint: payload }), exitStatus: 65 },
        { type: "alert", alert: { kind: "recovery", state: "alarm", words: payload, actor: payload } },
      ]
      for (const format of ["json", "text"] as const) {
        const lines = await logOf(happenings, { format, level: "debug" })
        expect(lines).toHaveLength(format === "json" ? happenings.length : happenings.length - 1)
        for (const line of lines) {
          expect(line).not.toMatch(/[\p{Cc}\u202a-\u202e\u2028\u2029\u2066-\u2069]/u)
          if (format === "json") JSON.parse(line)
          else expect(line).toMatch(/^peppermill: /)
        }
      }
    },
  )

  test("no text whatever forges a line", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 60 }), async (text) => {
        const lines = await logOf([rejected(text, text, text)])
        expect(lines).toHaveLength(1)
        expect(lines[0]).not.toMatch(/\p{Cc}/u)
        expect(JSON.parse(lines[0] as string)).toMatchObject({ event: "rejected", ...ABOUT })
      }),
      { numRuns: 500 },
    )
  })

  test("a level keeps what is below it out", async () => {
    const all: readonly Happening[] = [
      { type: "failed", error: new UserError("data", "x"), exitStatus: 65 },
      RETRYING,
      { type: "resumed" },
      { type: "empty-poll", consecutive: 1 },
    ]
    for (const [level, count] of [
      ["silent", 0],
      ["error", 1],
      ["warn", 2],
      ["info", 3],
      ["debug", 4],
    ] as const) {
      expect(await logOf(all, { level }), level).toHaveLength(count)
    }
  })

  test("a flood of rejects is a hundred lines a minute, and a count", async () => {
    let now = 0
    const flood = Array.from({ length: 350 }, () => rejected("missing"))
    const lines = await jsonOf([...flood, { type: "finished", outcome: "empty", heldByOthers: 0 }])
    expect(lines).toHaveLength(101)
    expect(lines.at(-1)).toMatchObject({ event: "unlogged", count: 250 })

    const twoMinutes = await jsonOf(flood, { now: () => (now += 400) })
    const told = twoMinutes.filter(({ event }) => event === "rejected").length
    const counted = twoMinutes.filter(({ event }) => event === "unlogged").map(({ count }) => Number(count))
    // 149, 150 and 51 of them fall into one minute each.
    expect(told).toBe(251)
    expect(counted).toEqual([49, 50])
  })
})

describe("a text line", () => {
  test("is a sentence; what the summary and the error will say is left to them", async () => {
    const lines = await logOf(
      [
        { type: "draining", queue: "logins", table: "user_logins", follow: true, vault: true },
        RETRYING,
        { type: "failed", error: new UserError("data", "x"), exitStatus: 65 },
      ],
      { format: "text" },
    )
    expect(lines).toEqual([
      "peppermill: draining logins into user_logins",
      "peppermill: warning: the database failed (commit, 40001); try 2 in 50 ms",
    ])
  })
})

test("auto means text on a terminal, and JSON elsewhere", () => {
  expect(formatFor("auto", { stderrIsTerminal: true })).toBe("text")
  expect(formatFor("auto", { stderrIsTerminal: false })).toBe("json")
  expect(formatFor("json", { stderrIsTerminal: true })).toBe("json")
  expect(formatFor("text", { stderrIsTerminal: false })).toBe("text")
})
