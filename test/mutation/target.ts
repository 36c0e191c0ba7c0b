/** What is mutated in one go, and who should notice. */
export interface Target {
  readonly name: string
  /** Globs. */
  readonly files: readonly string[]
  readonly tests: readonly string[]
  /**
   * Whether to plant bugs in what runs once, when a file is loaded: each takes all tests.
   * Default: yes. Where most of it is SQL, that would be hours, for texts that are there or not.
   */
  readonly constants?: boolean
  /** A test that takes longer hangs, and has noticed. It is several times what the slowest one takes. */
  readonly testSeconds?: number
}
