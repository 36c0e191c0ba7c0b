/** The parts of an Istanbul coverage map that figures are made of. */
export type CoverageMap = Readonly<Record<string, FileCoverage>>

export interface FileCoverage {
  readonly statementMap: Readonly<Record<string, { readonly start: { readonly line: number } }>>
  readonly branchMap: Readonly<Record<string, { readonly type: string; readonly line: number }>>
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

/**
 * What of a file ran, in one view of it or in another. A line is hit when a
 * statement that begins on it ran. The way of a branch is found again in the
 * other view by its kind, its line and its place among those; where the two
 * views do not have the same branches on a line, only the first one counts.
 */
export function figuresOf(file: FileCoverage, other: FileCoverage | undefined): Figures {
  const [lines, otherLines] = [linesOf(file), other && linesOf(other)]
  const [ways, otherWays] = [waysOf(file), other && waysOf(other)]
  return {
    lines: count([...lines].map(([line, times]) => times + (otherLines?.get(line) ?? 0))),
    branches: count(
      [...ways].flatMap(([place, times]) => {
        const more = otherWays?.get(place)
        return more?.length === times.length ? times.map((n, index) => n + (more[index] ?? 0)) : times
      }),
    ),
  }
}

function linesOf({ statementMap, s }: FileCoverage): Map<number, number> {
  const lines = new Map<number, number>()
  for (const [id, { start }] of Object.entries(statementMap)) {
    lines.set(start.line, Math.max(lines.get(start.line) ?? 0, s[id] ?? 0))
  }
  return lines
}

/** Times each way was taken, of all branches of one kind on one line. */
function waysOf({ branchMap, b }: FileCoverage): Map<string, number[]> {
  const ways = new Map<string, number[]>()
  for (const [id, { type, line }] of Object.entries(branchMap)) {
    const place = `${type} ${line}`
    ways.set(place, [...(ways.get(place) ?? []), ...(b[id] ?? [])])
  }
  return ways
}

function count(times: readonly number[]): Count {
  return { hit: times.filter((n) => n > 0).length, all: times.length }
}
