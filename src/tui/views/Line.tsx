import { Box, Text, type TextProps } from "ink"
import { memo } from "react"
import { useLook } from "./look.ts"
import { fitted, type Row, type Tone } from "./spans.ts"

/** Sixteen colours and less: they follow the reader's own theme. */
const STYLES: Record<Tone, TextProps> = {
  plain: {},
  dim: { dimColor: true },
  strong: { bold: true },
  accent: { color: "cyan" },
  good: { color: "green" },
  warn: { color: "yellow" },
  bad: { color: "red" },
  chosen: { bold: true, inverse: true },
}

/** The one place where text reaches the screen, and everything passes `safe` here. */
export const Line = memo(function Line({ row, width }: LineProps) {
  const { ellipsis } = useLook()
  const spans = fitted(row, width, ellipsis)
  // An empty text would have no height, and the lines below would move up.
  if (spans.length === 0) return <Text> </Text>
  return (
    <Text wrap="truncate-end">
      {spans.map(({ text, tone = "plain" }, at) =>
        tone === "plain" ? (
          text
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: a span is its place in the line
          <Text key={at} {...STYLES[tone]}>
            {text}
          </Text>
        ),
      )}
    </Text>
  )
}, isSame)

interface LineProps {
  readonly row: Row
  readonly width: number
}

/** Most lines of a picture are those of the one before, and need no work. */
function isSame(before: LineProps, after: LineProps): boolean {
  return (
    before.width === after.width &&
    before.row.length === after.row.length &&
    before.row.every(({ text, tone }, at) => text === after.row[at]?.text && tone === after.row[at]?.tone)
  )
}

/** Lines, one below the other. */
export function Lines({ rows, width }: { readonly rows: readonly Row[]; readonly width: number }) {
  return (
    <Box flexDirection="column" width={width} flexShrink={0}>
      {rows.map((row, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place on the screen
        <Line key={at} row={row} width={width} />
      ))}
    </Box>
  )
}
