import { BaseSequencer, type TestSpecification } from "vitest/node"
import whole from "../../vitest.config.ts"
import type { Target } from "./target.ts"

// Without a target it is only looked at.
const { tests = [], testSeconds = 600 } = JSON.parse(process.env["MUTATE_TARGET"] ?? "{}") as Partial<Target>

/** The first to notice ends it: whoever noticed the bug planted before this one, next to it, then the quickest. */
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const known = (file: TestSpecification) => this.ctx.cache.getTestSpecificationResult(file)
    const rank = (file: TestSpecification) => (known(file)?.failed ? -1 : (known(file)?.duration ?? 0))
    return files.toSorted((a, b) => rank(a) - rank(b))
  }
}

export default {
  ...whole,
  // Instrumented code is slow, and a test that is late tells nothing of the mutant.
  test: {
    ...whole.test,
    include: [...tests],
    sequence: { sequencer: QuickFirst },
    testTimeout: testSeconds * 1000,
    hookTimeout: testSeconds * 1000,
  },
}
