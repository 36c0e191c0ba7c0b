import chalk from "chalk"
import { renderToString } from "ink"
import stringWidth from "string-width"
import { beforeAll, describe, expect, test } from "vitest"
import type { Model } from "../../src/tui/model.ts"
import { LookContext, lookFor } from "../../src/tui/views/look.ts"
import { ScreenView } from "../../src/tui/views/Screen.tsx"
import { HOSTILE } from "../hostile.ts"
import { allModels, busyView, fullModel } from "./full-model.ts"

const SIZES = [
  [80, 24],
  [60, 16],
  [120, 36],
  [149, 40],
  [150, 40],
  [250, 60],
  [100, 17],
  [61, 200],
] as const

/** What a picture must not hold, whatever the data: nothing that acts, hides or reorders. */
const RAW = /[\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}|\p{M}{5}/u

function draw(model: Model, columns: number, rows: number, isAscii = false): readonly string[] {
  const text = renderToString(
    <LookContext value={lookFor({ hasColour: false, isAscii })}>
      <ScreenView model={model} columns={columns} rows={rows - 1} />
    </LookContext>,
    { columns },
  )
  return text.split("\n")
}

const drawn = (model: Model, columns = 80, rows = 24) => draw(model, columns, rows).join("\n")

beforeAll(() => {
  chalk.level = 0
})

describe("every screen in every state", () => {
  test.each(SIZES)("fits %i by %i: never wider, never higher, always whole", (columns, rows) => {
    for (const [name, model] of allModels()) {
      const lines = draw(model, columns, rows)
      expect(lines.length, name).toBe(rows - 1)
      for (const line of lines) expect(stringWidth(line), `${name}: ${line}`).toBeLessThanOrEqual(columns)
      expect(lines[0], name).toContain("peppermill")
      expect(lines.at(-1)?.trim(), name).not.toBe("")
    }
  })

  test("has nothing but ASCII with --ascii", () => {
    for (const [name, model] of allModels()) {
      for (const [columns, rows] of [
        [80, 24],
        [250, 60],
      ] as const) {
        expect(draw(model, columns, rows, true).join("\n"), name).toMatch(/^[\x20-\x7e\n]*$/)
      }
    }
  })

  test("says where one is without colour", () => {
    expect(drawn(fullModel())).toContain("[6 Keys]")
    expect(drawn({ ...fullModel(), screen: "audit" })).toContain("[4 Audit]")
  })

  test("says below the minimum what it needs, and that the work goes on", () => {
    for (const [columns, rows] of [
      [59, 24],
      [80, 15],
      [20, 5],
    ] as const) {
      const lines = draw(fullModel(), columns, rows)
      const text = lines.join(" ").replace(/\s+/g, " ")
      expect(text).toContain("needs 60x16")
      expect(lines.length).toBeLessThanOrEqual(rows)
    }
    expect(draw(fullModel(), 1, 1)).toHaveLength(1)
    expect(draw(fullModel(), 1, 2)).toHaveLength(1)
  })
})

describe("the audit log", () => {
  test("says why from 100 columns on, and how many tokens were asked for where no subject was", () => {
    const model: Model = { ...fullModel(), screen: "audit" }
    const [record] = model.audit.records.value ?? []
    if (record === undefined) throw new Error("the full model has no audit record")
    const value = [{ ...record, about: null, rows: 1, reason: "abuse report" }]
    const text = (columns: number) =>
      drawn({ ...model, audit: { ...model.audit, records: { ...model.audit.records, value } } }, columns)
    expect(text(100)).toMatch(/1 token +abuse report/)
    expect(text(150)).toMatch(/1 token +abuse report/)
    expect(text(80)).toMatch(/1 token/)
  })
})

describe("hostile data", () => {
  function expectHarmless(payload: string, columns: number, rows: number): void {
    for (const [name, model] of allModels((text) => `${payload}${text}${payload}`)) {
      const lines = draw(model, columns, rows)
      expect(lines.length, name).toBe(rows - 1)
      for (const line of lines) {
        expect(line, name).not.toMatch(RAW)
        expect(stringWidth(line), name).toBeLessThanOrEqual(columns)
      }
    }
  }

  test.each(Object.entries(HOSTILE))(
    "%s, in every field of every screen, shows and does nothing",
    (_, payload) => {
      expectHarmless(payload, 80, 24)
    },
  )

  test.each([
    [60, 16],
    [150, 40],
    [250, 60],
  ])("all of it at once at %i by %i", (columns, rows) => {
    expectHarmless(Object.values(HOSTILE).join(""), columns, rows)
  })
})

describe("what the drain screen says", () => {
  const drain = (last: Parameters<typeof busyView>[1] = []) => {
    const model = fullModel()
    return drawn(
      { ...model, screen: "drain", drain: { ...model.drain, view: busyView((text) => text, last) } },
      120,
      40,
    )
  }

  test("the figures add up, and are written to be read", () => {
    const text = drain()
    const figure = (label: string) => {
      const found = new RegExp(`${label.replace("+", "\\+")} +([\\d,]+)`).exec(text)?.[1]
      return Number(found?.replaceAll(",", ""))
    }
    expect(text).toMatch(/received +\d{3},\d{3}/)
    expect(figure("received")).toBe(
      figure("= stored") +
        figure("+ duplicates") +
        figure("+ quarantined") +
        figure("+ left in queue") +
        figure("+ in hand"),
    )
  })

  test.each([
    [[], "draining", "Draining "],
    [[{ type: "paused" }], "paused", "Paused: no more messages are asked for"],
    [[{ type: "stopping", cause: "signal" }], "stopping", "Stopping: finishing what is in hand."],
    [[{ type: "waiting-for-others", inFlight: 12 }], "idle", "Idle: others hold 12 messages of this queue."],
    [
      [{ type: "finished", outcome: "empty", heldByOthers: 0 }],
      "finished",
      "the queue is empty. r drains again, q leaves.",
    ],
  ] as const)("after %j it is %s, in a word and in a sentence", (last, word, words) => {
    const text = drain(last)
    expect(text.split("\n")[0]).toContain(word)
    expect(text).toContain(words)
  })

  test("shows queue, stages, batches in flight and what happened last", () => {
    const text = drain()
    for (const label of [
      "waiting",
      "oldest message",
      "empty in",
      "p50",
      "p99",
      "batches in flight",
      "best second",
    ]) {
      expect(text).toContain(label)
    }
    expect(text).toMatch(/empty in +about \d+ (s|min)/)
    expect(text).toMatch(/\d\d:\d\d:\d\d {2}database: commit failed \(40001\), attempt 2 in 80 ms/)
    expect(text).toMatch(/[▁▂▃▄▅▆▇█]{20}/)
  })

  test("a failure stands whole, with what to do, however long it is", () => {
    const model = allModels((text) => `${text} ${"and more ".repeat(30)}end`).get("drain failed") as Model
    const text = drawn(model).replace(/\s+/g, " ")
    expect(text).toContain("Failed: it did not answer and more")
    expect(text).toContain("What to do: see that it runs and more")
    expect(text.match(/end/g)?.length).toBeGreaterThanOrEqual(2)
  })
})

describe("the other screens", () => {
  const shown = (name: string) => drawn(allModels().get(name) as Model)

  test("without set-up: no blame, and what can be done", () => {
    const text = shown("not set up")
    expect(text).toContain("nothing is wrong with that")
    expect(text).toContain("watch the whole job on an embedded queue")
    expect(text).toContain("see what a run needs")
    expect(text).not.toMatch(/error|fail/i)
  })

  test("doctor: a word, a verdict and what to do for each check", () => {
    const text = shown("doctor")
    expect(text).toContain("A run would not work yet. 8 checks: 6 ok, 1 warning, 1 failed.")
    expect(text).toMatch(/FAIL {2}tables/)
    expect(text).toContain("→ run `peppermill init`")
  })

  test("recover: the policy, the countdown, the original and its check", () => {
    expect(shown("recover typed")).toContain("reads as a subject")
    expect(shown("recover policy")).toContain("It takes 1 approval by another user.")
    expect(shown("recover waiting")).toMatch(/Waiting for 1 approval by another user; expires in 10 min/)
    expect(shown("recover confirming")).toContain("Type release: release▏")
    expect(shown("recover shown")).toMatch(/device_id +u-17 +device-4711 +verified/)
    expect(shown("recover shown")).toContain("hidden in 30 s")
    expect(shown("recover over")).not.toContain("device-4711")
  })

  test("a typed line longer than its field keeps its caret in sight", () => {
    const model = allModels((text) => `${text}${"x".repeat(300)}`).get("recover typed") as Model
    expect(drawn(model)).toContain("x▏")
  })

  test("keys: by name and standing, and a key that differs says so", () => {
    expect(shown("keys")).toMatch(/k2 +active +matches the database, 2026-11-20/)
    const model = fullModel()
    const ring = model.keys.ring.value
    if (ring === null) throw new Error("no ring")
    const maskKeys = ring.maskKeys.map((key) => ({ ...key, check: "differs" as const }))
    expect(
      drawn({
        ...model,
        keys: { ...model.keys, ring: { ...model.keys.ring, value: { ...ring, maskKeys } } },
      }),
    ).toContain("DIFFERS from the database")
  })

  test("help: every key that works here, first", () => {
    expect(shown("help")).toMatch(/q +finish the batch in hand and leave; again: leave now/)
  })
})
