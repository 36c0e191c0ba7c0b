import { describe, expect, test } from "vitest"
import type { Action } from "../../src/tui/action.ts"
import { firstModel, type Model } from "../../src/tui/model.ts"
import type { RecoveryRequest } from "../../src/tui/ports.ts"
import { SHOWN_MS } from "../../src/tui/screens/recover.ts"
import { type Effect, type News, update } from "../../src/tui/update.ts"
import { fakePorts, NOW, ORIGINALS } from "./fake-ports.ts"

const TOKEN = `k1:${"9f".repeat(32)}`

/** The recover screen, key by key. */
function setUp() {
  let model: Model = firstModel(fakePorts().ports, NOW)
  let effects: Effect[] = []
  const send = (message: Parameters<typeof update>[1]) => {
    const [next, asked] = update(model, message)
    model = next
    effects = [...effects, ...asked]
  }
  const it = {
    get model() {
      return model
    },
    get step() {
      return model.recover.step
    },
    /** What was asked of the world since the last time. */
    asked() {
      const asked = effects
      effects = []
      return asked
    },
    act(...actions: readonly Action[]) {
      for (const action of actions) send({ type: "act", action, pageRows: 10 })
    },
    type(text: string) {
      it.act({ type: "insert", text })
    },
    enter() {
      it.act({ type: "open" })
    },
    told(news: News) {
      send({ type: "told", news })
    },
    tick(nowMs: number) {
      send({ type: "tick", nowMs, drain: null, log: [] })
    },
    filledIn(about = "u-17") {
      it.act({ type: "show", screen: "recover" })
      it.told({ type: "policy", answer: { ok: true, value: POLICY } })
      it.enter()
      it.type(about)
      it.enter()
      it.type("asked by legal, case 4417")
      it.enter()
      it.enter()
    },
    requested(state: RecoveryRequest["state"] = "waiting") {
      it.filledIn()
      it.enter()
      it.told({ type: "requested", answer: { ok: true, value: request(state) } })
      it.asked()
    },
    shown() {
      it.requested("approved")
      it.enter()
      it.type("release")
      it.enter()
      it.told({ type: "released", id: "42", answer: { ok: true, value: ORIGINALS } })
      it.asked()
    },
  }
  return it
}

const POLICY = { user: "alice", approvals: 1, ttlMinutes: 15, rowsPerHour: 100, rowsLeft: 97, minReason: 10 }

const request = (state: RecoveryRequest["state"]): RecoveryRequest => ({
  id: "42",
  state,
  approvalsNeeded: 1,
  approvals: state === "approved" ? [{ by: "bob", atMs: NOW }] : [],
  expiresAtMs: NOW + 900_000,
})

const secrets = ORIGINALS.map(({ value }) => value as string)
const holdsClearText = (model: Model) => secrets.some((secret) => JSON.stringify(model).includes(secret))

describe("what and why", () => {
  test("asks for policy when one comes to the screen", () => {
    const it = setUp()
    it.act({ type: "show", screen: "recover" })
    expect(it.asked()).toEqual([{ type: "recover-policy" }])
  })

  test("does not go on without a subject, or with too short a reason", () => {
    const it = setUp()
    it.act({ type: "show", screen: "recover" })
    it.told({ type: "policy", answer: { ok: true, value: POLICY } })
    it.enter()
    it.act({ type: "field", by: -1 })
    it.enter()
    expect(it.model.recover).toMatchObject({
      field: "about",
      step: { at: "form", problem: { message: expect.stringContaining("name the token") } },
    })
    it.type("u-17")
    it.enter()
    it.type("no reason")
    it.enter()
    it.enter()
    expect(it.model.recover).toMatchObject({
      field: "reason",
      step: { problem: { message: expect.stringContaining("at least 10 characters") } },
    })
    expect(it.asked().map(({ type }) => type)).toEqual(["recover-policy"])
  })

  test("tells a token from a subject", () => {
    for (const [about, kind] of [
      [TOKEN, "token"],
      ["u-17", "subject"],
      [TOKEN.slice(0, -1), "subject"],
    ] as const) {
      const it = setUp()
      it.filledIn(about)
      expect(it.step).toMatchObject({ at: "policy", wanted: { kind, value: about, ticket: null } })
    }
  })

  test("nothing is asked for before policy was shown and Enter pressed", () => {
    const it = setUp()
    it.filledIn()
    expect(it.asked().map(({ type }) => type)).toEqual(["recover-policy"])
    it.enter()
    it.enter()
    expect(it.asked()).toEqual([
      {
        type: "recover-request",
        wanted: { kind: "subject", value: "u-17", reason: "asked by legal, case 4417", ticket: null },
      },
    ])
  })

  test("a refusal stands beside what was asked for, and one may change it", () => {
    const it = setUp()
    it.filledIn()
    it.enter()
    it.told({
      type: "requested",
      answer: { ok: false, problem: { message: "no such thing, or not for you" } },
    })
    expect(it.step).toMatchObject({
      at: "policy",
      isAsking: false,
      problem: { message: "no such thing, or not for you" },
    })
    it.act({ type: "back" })
    expect(it.step.at).toBe("form")
    expect(it.model.recover.fields.about.letters.join("")).toBe("u-17")
  })
})

describe("approval", () => {
  test("asks every two seconds, one question at a time, and goes on by itself", () => {
    const it = setUp()
    it.requested()
    it.tick(NOW + 1000)
    expect(it.asked()).toEqual([])
    it.tick(NOW + 2000)
    it.tick(NOW + 5000)
    expect(it.asked()).toEqual([{ type: "recover-status", id: "42" }])
    it.told({ type: "status", id: "42", answer: { ok: true, value: request("waiting") } })
    it.tick(NOW + 6000)
    expect(it.asked()).toEqual([{ type: "recover-status", id: "42" }])
    it.told({ type: "status", id: "42", answer: { ok: true, value: request("approved") } })
    expect(it.step).toMatchObject({ at: "release", request: { approvals: [{ by: "bob" }] } })
  })

  test("goes on being asked for while one looks at another screen", () => {
    const it = setUp()
    it.requested()
    it.act({ type: "show", screen: "drain" })
    it.asked()
    it.tick(NOW + 3000)
    expect(it.asked()).toEqual([{ type: "recover-status", id: "42" }])
    it.told({ type: "status", id: "42", answer: { ok: true, value: request("approved") } })
    expect(it.step.at).toBe("release")
  })

  test("a question that failed is shown and asked again", () => {
    const it = setUp()
    it.requested()
    it.tick(NOW + 2000)
    it.told({ type: "status", id: "42", answer: { ok: false, problem: { message: "no answer" } } })
    expect(it.step).toMatchObject({ at: "approval", problem: { message: "no answer" } })
    it.asked()
    it.tick(NOW + 4000)
    expect(it.asked()).toEqual([{ type: "recover-status", id: "42" }])
  })

  test("ends with the request's life, approved or not", () => {
    for (const state of ["waiting", "approved"] as const) {
      const it = setUp()
      it.requested(state)
      it.tick(NOW + 900_000)
      expect(it.step).toMatchObject({ at: "over", words: "Request 42 expired before it was released." })
    }
  })

  test("ends when somebody denies it", () => {
    const it = setUp()
    it.requested()
    it.tick(NOW + 2000)
    it.told({ type: "status", id: "42", answer: { ok: true, value: request("denied") } })
    expect(it.step).toMatchObject({ at: "over", words: "Request 42 is denied." })
  })

  test("an answer to a question that is no longer asked changes nothing", () => {
    const it = setUp()
    it.requested()
    it.act({ type: "back" })
    expect(it.step.at).toBe("over")
    it.told({ type: "status", id: "42", answer: { ok: true, value: request("approved") } })
    it.told({ type: "released", id: "42", answer: { ok: true, value: ORIGINALS } })
    expect(it.step.at).toBe("over")
    expect(holdsClearText(it.model)).toBe(false)
  })
})

describe("release", () => {
  test("takes the typed word, not a key", () => {
    const it = setUp()
    it.requested("approved")
    for (const word of ["", "r", "releas", "yes"]) {
      it.enter()
      it.act({ type: "delete", what: "all" })
      it.type(word)
      it.enter()
    }
    expect(it.asked()).toEqual([])
    it.act({ type: "delete", what: "all" })
    it.type("release")
    it.enter()
    it.enter()
    expect(it.asked()).toEqual([{ type: "recover-release", id: "42" }])
  })

  test("no row of Enters alone ever reaches an original", () => {
    const it = setUp()
    it.requested("approved")
    for (let at = 0; at < 50; at++) it.enter()
    expect(it.asked().filter(({ type }) => type === "recover-release")).toEqual([])
  })

  test("what is shown is gone after thirty seconds", () => {
    const it = setUp()
    it.shown()
    expect(it.step).toMatchObject({ at: "shown", originals: ORIGINALS })
    it.tick(NOW + SHOWN_MS - 1)
    expect(holdsClearText(it.model)).toBe(true)
    it.tick(NOW + SHOWN_MS)
    expect(it.step.at).toBe("over")
    expect(holdsClearText(it.model)).toBe(false)
  })

  test.each<readonly [string, Action]>([
    ["another screen", { type: "show", screen: "audit" }],
    ["the next screen", { type: "turn", by: 1 }],
    ["esc", { type: "back" }],
    ["Enter", { type: "open" }],
  ])("what is shown is gone with %s", (_, action) => {
    const it = setUp()
    it.shown()
    it.act(action)
    expect(holdsClearText(it.model)).toBe(false)
    it.act({ type: "show", screen: "recover" })
    expect(it.step.at === "shown").toBe(false)
  })

  test("an answer that comes when nobody looks is not shown to whoever comes by", () => {
    const it = setUp()
    it.requested("approved")
    it.enter()
    it.type("release")
    it.enter()
    it.act({ type: "show", screen: "drain" })
    it.told({ type: "released", id: "42", answer: { ok: true, value: ORIGINALS } })
    expect(holdsClearText(it.model)).toBe(false)
    expect(it.step).toMatchObject({ at: "over", words: expect.stringContaining("while you were elsewhere") })
  })

  test("after the end nothing of it is kept, not even the reason", () => {
    const it = setUp()
    it.shown()
    it.enter()
    it.enter()
    expect(JSON.stringify(it.model.recover)).not.toContain("case 4417")
    expect(it.step).toEqual({ at: "form", problem: null })
  })

  test("a refused release says why and asks for the word again", () => {
    const it = setUp()
    it.requested("approved")
    it.enter()
    it.type("release")
    it.enter()
    it.told({ type: "released", id: "42", answer: { ok: false, problem: { message: "quota is spent" } } })
    expect(it.step).toMatchObject({
      at: "release",
      isAsking: false,
      word: { letters: [] },
      problem: { message: "quota is spent" },
    })
  })
})
