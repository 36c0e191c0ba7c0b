import { expect, test } from "vitest"
import { drainEnv, peppermill } from "../binary.ts"
import { createEmptyDatabase } from "../database.ts"

const QUEUE = { url: "http://127.0.0.1:9/000000000000/logins", region: "us-east-1" }

test.each([
  [["--partitioned"], 15],
  [["--partitioned", "month"], 15],
  [["--partitioned=day"], 63],
  [[], 0],
])("init %j makes %i partitions", async (options, count) => {
  await using database = await createEmptyDatabase()
  const made = await peppermill(["init", "--json", ...options], { env: drainEnv(QUEUE, database.url) })
  expect(made.status, made.stderr).toBe(0)
  const { steps } = JSON.parse(made.stdout) as { steps: { object: string }[] }
  expect(steps.filter(({ object }) => object.startsWith("partition "))).toHaveLength(count)
})
