/** What is mutated in one go, and who should notice. */
export interface Target {
  readonly name: string
  /** Globs. */
  readonly files: readonly string[]
  readonly tests: readonly string[]
  /** Whether to plant bugs in what runs once, when a file is loaded: each takes all tests. */
  readonly constants: boolean
}
