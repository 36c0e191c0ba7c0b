import { expect, test } from "vitest"
import { UserError } from "../src/errors.ts"
import { exitCodeFor } from "../src/exit-code.ts"
import { explainSystemError } from "../src/system-error.ts"

const withCode = (code: unknown) => Object.assign(new Error("open '/secret/path'"), { code })

test.each(["EMFILE", "ENFILE", "ENOMEM", "ENOSPC", "EDQUOT", "EROFS"])(
  "%s is a want of the machine, not a bug, and tells no path",
  (code) => {
    const explained = explainSystemError(withCode(code)) as UserError
    expect(exitCodeFor(explained)).toBe(69)
    expect(explained.message).toContain(code)
    expect(explained.hint).toBeTruthy()
    expect(explained.message + explained.hint).not.toContain("secret")
  },
)

test("whatever else is thrown stays what it is", () => {
  for (const error of [
    withCode("EBADF"),
    withCode(5),
    new TypeError("x"),
    "text",
    null,
    new UserError("data", "d"),
  ]) {
    expect(explainSystemError(error)).toBe(error)
  }
})
