import { expect, test } from "vitest"
import { keepingRefusal } from "../../src/recover/job.ts"

/** What the vault's functions answer, of what kind that is, and the word that the hint must have. */
test.each([
  ["no-message", "permission", /no such message/, /quarantine ls/],
  ["quota", "permission", /quota .* used up/, /rowsPerHour/],
  ["count-differs", "data", /nothing was deleted/, /confirm the new count/],
  ["same-key", "usage", /--from and --to/, null],
  ["unknown-key", "config", /does not know/, /keys ls.*keys rotate/],
  ["retired-key", "config", /--to .* retired/, /another key/],
  ["expired", "permission", /longer than a day/, /run it again/],
  ["no-reason", "usage", /10 characters/, /say why/],
  ["unknown", "permission", /no such request, or it is not yours/, /database\.url/],
  ["a word of another release", "permission", /the vault refused it/, null],
] as const)("the vault's answer %s is of kind %s, and says what to do", (status, kind, says, hint) => {
  const refused = keepingRefusal(status)
  expect(refused).toMatchObject({ name: "UserError", kind, message: expect.stringMatching(says) })
  if (hint === null) expect(refused.hint).toBeUndefined()
  else expect(refused.hint).toMatch(hint)
})
