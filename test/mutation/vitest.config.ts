import whole from "../../vitest.config.ts"

/** Only the tests that stand beside the mutated folder. */
const folder = process.env["MUTATE_FOLDER"] ?? ""

export default {
  ...whole,
  // Instrumented code is slow, and a test that is late tells nothing of the mutant.
  test: { ...whole.test, include: [`test/${folder}/**/*.test.ts`], testTimeout: 600_000 },
}
