import whole from "../../vitest.config.ts"
import type { Target } from "./target.ts"

// Without a target it is only looked at.
const { tests = [] } = JSON.parse(process.env["MUTATE_TARGET"] ?? "{}") as Partial<Target>

export default {
  ...whole,
  // Instrumented code is slow, and a test that is late tells nothing of the mutant.
  test: { ...whole.test, include: [...tests], testTimeout: 600_000 },
}
