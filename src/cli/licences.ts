import { getAsset, isSea } from "node:sea"
import { UserError } from "../errors.ts"
import type { Io } from "../io.ts"

/** `peppermill licences`: whose work is in the executable, and under what terms. */
export function runLicences(io: Io): void {
  if (!isSea()) {
    throw new UserError("usage", "only the built executable brings its licences along", {
      hint: "npm run build writes them to dist/licences.txt",
    })
  }
  io.out(getAsset("licences.txt", "utf8"))
}
