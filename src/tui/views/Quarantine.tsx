import { Box } from "ink"
import { count, counted, dateTime, roughly, timeOfDay } from "../format.ts"
import { type OpenGroup, type Quarantine, shownGroups, shownMessages } from "../screens/quarantine.ts"
import { Lines } from "./Line.tsx"
import { ListView, POINTER } from "./ListView.tsx"
import { loadedRows } from "./loaded-rows.ts"
import { type Look, useLook } from "./look.ts"
import { cell, type Row, span } from "./spans.ts"

interface Shown {
  readonly width: number
  readonly height: number
  readonly nowMs: number
}

/** Refused messages, by what was wrong with them. Their bodies stay sealed. */
export function QuarantineView({ quarantine, ...shown }: Shown & { readonly quarantine: Quarantine }) {
  return quarantine.open === null ? (
    <Groups quarantine={quarantine} {...shown} />
  ) : (
    <Messages open={quarantine.open} {...shown} />
  )
}

function Groups({ quarantine, width, height, nowMs }: Shown & { readonly quarantine: Quarantine }) {
  const look = useLook()
  const groups = shownGroups(quarantine)
  const all = quarantine.groups.value ?? []
  const total = all.reduce((sum, group) => sum + group.count, 0)
  const says = `${counted(total, "refused message")} in ${counted(all.length, "group")}, sealed. \`quarantine show\` opens one.`
  const head = loadedRows(quarantine.groups, says, width)
  const columns = groupColumns(width - POINTER, look)
  return (
    <Box flexDirection="column">
      <Lines rows={head} width={width} />
      <ListView
        name="Quarantine"
        list={quarantine.list}
        columns={columns("count", "reason", "field", "oldest", "shape").map(({ text }) => span(text, "dim"))}
        items={groups.map((group) => ({
          rows: [
            columns(
              count(group.count),
              group.reason,
              group.field,
              `${roughly(nowMs - group.oldestSentAtMs)} ago`,
              group.shape,
            ),
          ],
        }))}
        none={quarantine.groups.value === null ? "" : "Nothing was refused."}
        note={quarantine.groups.atMs === 0 ? undefined : `as of ${timeOfDay(quarantine.groups.atMs)}`}
        width={width}
        height={height - head.length}
      />
    </Box>
  )
}

function groupColumns(width: number, look: Look) {
  const [counts, reason, field, oldest, gaps] = [9, 14, 14, 10, 8]
  const shape = Math.max(0, width - counts - reason - field - oldest - gaps)
  return (count: string, why: string, where: string, when: string, what: string): Row => [
    span(`${cell(count, counts, look.ellipsis, "right")}  `, "strong"),
    span(`${cell(why, reason, look.ellipsis)}  ${cell(where, field, look.ellipsis)}  `),
    span(`${cell(when, oldest, look.ellipsis)}  `),
    span(cell(what, shape, look.ellipsis), "dim"),
  ]
}

function Messages({ open, width, height, nowMs }: Shown & { readonly open: OpenGroup }) {
  const { group, messages } = open
  const says = `${counted(group.count, "message")} refused for ${group.reason} at ${group.field}: ${group.shape}`
  const head = loadedRows(messages, says, width)
  return (
    <Box flexDirection="column">
      <Lines rows={head} width={width} />
      <ListView
        name="Messages, newest first"
        list={open.list}
        columns={[span(`${"message id".padEnd(36)}  ${"sent (UTC)".padEnd(19)}  quarantined`, "dim")]}
        items={shownMessages(open).map((message) => ({
          rows: [
            [
              span(`${cell(message.messageId, 36, "~")}  ${dateTime(message.sentAtMs)}  `),
              span(`${roughly(nowMs - message.quarantinedAtMs)} ago`, "dim"),
            ],
          ],
        }))}
        none={messages.value === null ? "" : "There is none any more."}
        width={width}
        height={height - head.length}
      />
    </Box>
  )
}
