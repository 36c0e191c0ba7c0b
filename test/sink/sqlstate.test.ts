import { expect, test } from "vitest"
import { actionOn, isServerError } from "../../src/sink/sqlstate.ts"

test.each([
  ["data", ["22001", "22003", "22021", "22P02", "22P05", "23502", "23514", "21000", "54000"]],
  ["retry", ["40001", "40P01", "55P03", "57014"]],
  [
    "reconnect",
    ["08000", "08003", "08006", "08P01", "57P01", "57P02", "57P03", "57P05", "53300", "25P03", "25P04"],
  ],
  ["reread-secret", ["28P01", "28000"]],
  [
    "stop",
    [
      "25006",
      "42P01",
      "42703",
      "42501",
      "3D000",
      "53100",
      "53200",
      "58030",
      "XX000",
      "XX001",
      "P0001",
      "ZZZZZ",
    ],
  ],
] as const)("the action on %s errors", (action, codes) => {
  for (const code of codes) expect([code, actionOn(code)]).toEqual([code, action])
})

const thrown = (fields: object) => Object.assign(new Error("quotes a row"), fields)

test("what the server says has a severity and a SQLSTATE", () => {
  expect(isServerError(thrown({ severity: "ERROR", code: "23505" }))).toBe(true)
})

test.each([
  ["no error", { severity: "ERROR", code: "23505" }],
  ["nothing", null],
  ["without a severity", thrown({ code: "EPIPE" })],
  ["without a code", thrown({ severity: "ERROR" })],
  ["a code that is no text", thrown({ severity: "ERROR", code: 23505 })],
  ["a code that is longer", thrown({ severity: "ERROR", code: "235051" })],
  ["a code that begins otherwise", thrown({ severity: "ERROR", code: "_23505" })],
])("%s is nothing that the server said", (_, error) => {
  expect(isServerError(error)).toBe(false)
})
