import fc from "fast-check"
import stringWidth from "string-width"
import { describe, expect, test } from "vitest"
import { safe } from "../src/safe.ts"
import { HOSTILE } from "./hostile.ts"
import { report } from "./promises/report.ts"

const UNFIT = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|\p{M}{5}|^\p{M}/u
const RUNS = { numRuns: 20_000 }

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.string({
    unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    maxLength: 40,
  }),
  fc.string({
    unit: fc.constantFrom("\x1b", "\u009b", "[", "a", "\u0301", "\u202e", "\ud800", "界", "\u{1f1e6}"),
    maxLength: 40,
  }),
)

const codePointWidth = (shown: string) => [...shown].reduce((sum, point) => sum + stringWidth(point), 0)

describe("safe", { timeout: 120_000 }, () => {
  test("leaves nothing a terminal would obey, whatever the text", () => {
    fc.assert(
      fc.property(text, (t) => !UNFIT.test(safe(t))),
      RUNS,
    )
    report("P23", `${RUNS.numRuns} random texts through safe(): 0 characters that a terminal obeys`)
  })

  test("never exceeds the width it was given, by clusters or by code points", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 30 }), (t, width) => {
        const shown = safe(t, width)
        return !UNFIT.test(shown) && stringWidth(shown) <= width && codePointWidth(shown) <= width
      }),
      RUNS,
    )
  })

  test("making a text safe twice changes nothing", () => {
    fc.assert(
      fc.property(text, (t) => safe(safe(t)) === safe(t)),
      RUNS,
    )
  })

  test.each(Object.entries(HOSTILE))("shows and does not obey: %s", (_, payload) => {
    expect(safe(payload)).not.toMatch(UNFIT)
    expect(safe(payload, 20)).not.toMatch(UNFIT)
    expect(safe(payload)).toMatch(/\\x[0-9a-f]{2}|\\u\{[0-9a-f]+\}|\ufffd/)
  })

  test("names what it replaces", () => {
    expect(safe("\x1b]0;t\x07")).toBe("\\x1b]0;t\\x07")
    expect(safe("a\tb\nc\x7f\u009b")).toBe("a\\x09b\\x0ac\\x7f\\x9b")
    expect(safe("\u202egnp")).toBe("\\u{202e}gnp")
    expect(safe("593\u200b-47")).toBe("593\\u{200b}-47")
    expect(safe("a\ud800b")).toBe("a\ufffdb")
    expect(safe("\u{1f1e6}")).toBe("\\u{1f1e6}")
  })

  test("keeps what people write", () => {
    for (const kept of [
      "Zürich",
      "Ünïcødé",
      "日本語",
      "हिन्दी",
      "שָׁלוֹם",
      "ภาษาไทย",
      "😀",
      "C:\\x1b",
      "a\u0301",
    ]) {
      expect(safe(kept)).toBe(kept)
    }
  })

  test("a mark with no letter of its own cannot sit on ours", () => {
    expect(safe("\u0301a")).toBe("\\u{301}a")
    expect(safe("\x1b\u0301")).toBe("\\x1b\\u{301}")
  })

  test("shows the first marks of a flood and names the rest", () => {
    expect(safe(`a${"\u0336".repeat(6)}`)).toBe(`a${"\u0336".repeat(4)}\\u{336}+1`)
    expect(safe(`a${"\u0336".repeat(5)}b`)).toBe(`a${"\u0336".repeat(4)}\\u{336}b`)
    expect(safe(`${"\u0301".repeat(500)}`)).toBe("\\u{301}+499")
  })

  test("truncates by columns and never inside an escape", () => {
    expect(safe("abcdef", 4)).toBe("abc…")
    expect(safe("abcd", 4)).toBe("abcd")
    expect(safe("日本語", 5)).toBe("日本…")
    expect(safe("日本語", 4)).toBe("日…")
    expect(safe("ab\x1bcd", 5)).toBe("ab…")
    expect(safe("abcdef", 4, "~")).toBe("abc~")
    expect(safe("abcdef", 5, "...")).toBe("ab...")
    expect(safe("abcdef", 1)).toBe("…")
    expect(safe("abcdef", 0)).toBe("")
  })

  test("the longest message SQS can carry takes no noticeable time", () => {
    const start = process.cpuUsage()
    for (const letter of ["\u0301", "\x1b", "x", "界", "\u{1f469}\u200d"]) {
      expect(safe(letter.repeat(2 ** 20 / letter.length), 80).length).toBeLessThanOrEqual(80)
    }
    expect(process.cpuUsage(start).user).toBeLessThan(1_500_000)
  })
})
