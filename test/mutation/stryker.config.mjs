// One target of mutate.ts; without one, it is only looked at.
const { name, files = [], constants = true, testSeconds } = JSON.parse(process.env["MUTATE_TARGET"] ?? "{}")

export default {
  mutate: process.env["MUTATE_FILES"]?.split(",") ?? files,
  ignoreStatic: !constants,
  testRunner: "vitest",
  plugins: ["@stryker-mutator/vitest-runner"],
  vitest: { configFile: "test/mutation/vitest.config.ts", related: false, pool: "threads" },
  // Stryker would rewrite it with an API that TypeScript 7 has no more; the sandbox needs no rewriting.
  tsconfigFile: "none",
  coverageAnalysis: "perTest",
  incremental: true,
  incrementalFile: `.cache/mutation/${name}.json`,
  tempDirName: ".cache/mutation/sandbox",
  // The sandbox is a copy: what tests do not read need not be in it.
  ignorePatterns: ["dist", "coverage", ".cache"],
  concurrency: Number(process.env["MUTATE_WORKERS"] ?? 1),
  // A busy machine must not look like a mutant that hangs.
  dryRunTimeoutMinutes: 30,
  // Where a single test has its limit, this is for what hangs between them.
  timeoutMS: testSeconds === undefined ? 20_000 : testSeconds * 1000,
  timeoutFactor: 1.5,
  allowConsoleColors: false,
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, allowEmojis: false },
  reporters: ["progress-append-only", "clear-text", "json"],
  jsonReporter: { fileName: `.cache/mutation/${name}-report.json` },
  thresholds: { high: 90, low: 85, break: 85 },
}
