import { defineConfig } from "vitest/config"
import base from "./vitest.config.ts"

/** One suite against each emulator that scripts/emulators.mjs has started. */
export default defineConfig({
  ...base,
  test: { ...base.test, include: ["test/emulators/**/*.emulated.ts"], maxWorkers: 1 },
})
