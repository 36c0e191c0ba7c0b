import whole from "../../vitest.config.ts"

/** Only the tests that stand beside the mutated folder. */
const folder = process.env["MUTATE_FOLDER"] ?? ""

export default { ...whole, test: { ...whole.test, include: [`test/${folder}/**/*.test.ts`] } }
