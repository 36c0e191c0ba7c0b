import { expect, test } from "vitest"
import { isRequestId } from "../../src/recover/call.ts"

const ID = "0f8fad5b-d9cb-469f-a165-70867728950e"

test("an id is eight, four, four, four and twelve hex digits, in either case, and nothing around them", () => {
  expect(isRequestId(ID)).toBe(true)
  expect(isRequestId(ID.toUpperCase())).toBe(true)
  for (const text of [
    "",
    `x${ID}`,
    `${ID}x`,
    `${ID}\n`,
    ID.slice(1),
    ID.slice(0, -1),
    ID.replaceAll("-", ""),
    ID.replace("-469f", ""),
    ID.replace("469f", "469f-469f"),
    ID.replace("0f8f", "0g8f"),
    ID.replace("d9cb", "d9cx"),
    ID.replace("7086", "708z"),
    "not an id",
  ]) {
    expect(isRequestId(text), text).toBe(false)
  }
})
