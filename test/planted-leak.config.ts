import { defineConfig } from "vitest/config"
import base from "../vitest.config.ts"

/** For `tripwire.test.ts`: a run that has to fail. */
export default defineConfig({
  ...base,
  test: { ...base.test, include: ["test/planted-leak.ts"] },
})
