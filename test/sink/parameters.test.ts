import { expect, test } from "vitest"
import { eventColumns } from "../../src/sink/event-columns.ts"
import { writeParameters } from "../../src/sink/parameters.ts"
import { writeItems } from "../../src/sink/write-items.ts"
import { LOGIN } from "../shape.ts"
import { batch, row } from "./setup.ts"

const COLUMNS = eventColumns(LOGIN)

test("each row has the date of its own sending, whatever the day of the row before it", () => {
  const midnight = Date.UTC(2026, 1, 1)
  const sent = [midnight - 1, midnight, midnight + 1, midnight - 1, midnight + 86_400_000, -1]
  const given = batch(sent.map((sentAtMs, n) => row(n, { sentAtMs })))
  const { rows } = writeParameters(writeItems(given, COLUMNS), COLUMNS)
  const dates = rows[1 + COLUMNS.findIndex(({ kind }) => kind === "sent-date")]
  expect(dates).toEqual(["2026-01-31", "2026-02-01", "2026-02-01", "2026-01-31", "2026-02-02", "1969-12-31"])
})
