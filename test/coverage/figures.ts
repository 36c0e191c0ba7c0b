/** The parts of an Istanbul coverage map that figures are made of. */
export type CoverageMap = Readonly<Record<string, FileCoverage>>

export interface FileCoverage {
  readonly statementMap: Readonly<Record<string, { readonly start: { readonly line: number } }>>
  /** Times each statement ran. */
  readonly s: Readonly<Record<string, number>>
  /** Times each way of each branch was taken. */
  readonly b: Readonly<Record<string, readonly number[]>>
}

interface Count {
  readonly hit: number
  readonly all: number
}

export interface Figures {
  readonly lines: Count
  readonly branches: Count
}

/** A line is hit when a statement that begins on it ran. */
export function figuresOf({ statementMap, s, b }: FileCoverage): Figures {
  const lines = new Map<number, number>()
  for (const [id, { start }] of Object.entries(statementMap)) {
    lines.set(start.line, Math.max(lines.get(start.line) ?? 0, s[id] ?? 0))
  }
  return { lines: count([...lines.values()]), branches: count(Object.values(b).flat()) }
}

function count(times: readonly number[]): Count {
  return { hit: times.filter((n) => n > 0).length, all: times.length }
}
