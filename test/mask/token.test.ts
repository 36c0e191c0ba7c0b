import { expect, test } from "vitest"
import { isToken } from "../../src/mask/token.ts"

const DIGITS = "0123456789abcdef".repeat(4)

test.each([`k1:${DIGITS}`, `k:${DIGITS}`, `x:${DIGITS}`, `key-of-2026-no-1:${DIGITS}`])(
  "%s is a token",
  (text) => {
    expect(isToken(text)).toBe(true)
  },
)

test.each([
  DIGITS,
  `:${DIGITS}`,
  `1k:${DIGITS}`,
  `K1:${DIGITS}`,
  `k_1:${DIGITS}`,
  `key-of-2026-no-17:${DIGITS}`,
  `k1:${DIGITS.toUpperCase()}`,
  `k1:${DIGITS.slice(1)}`,
  `k1:${DIGITS}0`,
  // A value before or behind a token is still a value.
  `203.0.113.7k1:${DIGITS}`,
  `k1:${DIGITS} 203.0.113.7`,
  `k1:${DIGITS}\n`,
  `\nk1:${DIGITS}`,
])("%j is none", (text) => {
  expect(isToken(text)).toBe(false)
})

test("only text is a token, whatever else turns into one when it is read as text", () => {
  expect([[`k1:${DIGITS}`], { toString: () => `k1:${DIGITS}` }, null, undefined].map(isToken)).toEqual([
    false,
    false,
    false,
    false,
  ])
})
