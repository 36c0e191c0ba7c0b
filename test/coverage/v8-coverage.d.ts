/** As far as we use it: it comes without types. */
declare module "@bcoe/v8-coverage" {
  import type { Profiler } from "node:inspector"
  export type ScriptCov = Profiler.ScriptCoverage
  export function mergeScriptCovs(scripts: readonly ScriptCov[]): ScriptCov | undefined
}
