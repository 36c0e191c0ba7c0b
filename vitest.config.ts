import { readFile } from "node:fs/promises"
import { defineConfig } from "vitest/config"

/** The build embeds YAML as text (esbuild's import attribute `type: "text"`); tests must see the same. */
const yamlAsText = {
  name: "yaml-as-text",
  async load(id: string): Promise<string | null> {
    return id.endsWith(".yaml") ? `export default ${JSON.stringify(await readFile(id, "utf8"))}` : null
  },
}

export default defineConfig({
  plugins: [yamlAsText],
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    globalSetup: "test/global-setup.ts",
    // A limit for what hangs, not for what is slow.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    // The server's log is searched then. What takes longer would not fail the run, but end it.
    teardownTimeout: 600_000,
    maxWorkers: 2,
    coverage: {
      include: ["src/**/*.{ts,tsx}"],
      // What a view draws is compared with whole screens instead.
      exclude: ["src/tui/views/**"],
      // For coverage.ts, which knows the thresholds.
      reporter: ["json"],
      reportOnFailure: true,
    },
  },
})
