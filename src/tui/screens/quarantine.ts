import type { Action } from "../action.ts"
import { LIST, type List, listAfter, matching } from "../list.ts"
import { type Answer, answered, type Loaded, loading, UNLOADED } from "../loaded.ts"
import type { QuarantinedMessage, QuarantineGroup } from "../ports.ts"

/** Messages shown of one group: the newest. */
export const MESSAGES_SHOWN = 500

export interface Quarantine {
  readonly groups: Loaded<readonly QuarantineGroup[]>
  readonly list: List
  /** The group that was opened. */
  readonly open: OpenGroup | null
}

export interface OpenGroup {
  readonly group: QuarantineGroup
  readonly messages: Loaded<readonly QuarantinedMessage[]>
  readonly list: List
}

export const QUARANTINE: Quarantine = { groups: UNLOADED, list: LIST, open: null }

export type QuarantineEffect =
  | { readonly type: "quarantine-groups" }
  | { readonly type: "quarantine-messages"; readonly group: QuarantineGroup }

export type QuarantineNews =
  | { readonly type: "groups"; readonly answer: Answer<readonly QuarantineGroup[]> }
  | {
      readonly type: "messages"
      readonly group: QuarantineGroup
      readonly answer: Answer<readonly QuarantinedMessage[]>
    }

export function shownGroups(quarantine: Quarantine): readonly QuarantineGroup[] {
  return matching(
    quarantine.list,
    quarantine.groups.value ?? [],
    ({ reason, field, shape }) => `${reason} ${field} ${shape}`,
  )
}

export function shownMessages(open: OpenGroup): readonly QuarantinedMessage[] {
  return matching(open.list, open.messages.value ?? [], ({ messageId }) => messageId)
}

export function quarantineEntered(
  quarantine: Quarantine,
): readonly [Quarantine, readonly QuarantineEffect[]] {
  return [{ ...quarantine, groups: loading(quarantine.groups) }, [{ type: "quarantine-groups" }]]
}

export function quarantineAfter(
  quarantine: Quarantine,
  action: Action,
): readonly [Quarantine, readonly QuarantineEffect[]] {
  const { open } = quarantine
  if (open !== null) {
    const list = listAfter(open.list, action, shownMessages(open).length)
    if (list !== null) return [{ ...quarantine, open: { ...open, list } }, []]
    if (action.type === "back") return [{ ...quarantine, open: null }, []]
    if (action.type === "again") return opened(quarantine, open.group)
    return [quarantine, []]
  }
  const groups = shownGroups(quarantine)
  const list = listAfter(quarantine.list, action, groups.length)
  if (list !== null) return [{ ...quarantine, list }, []]
  if (action.type === "again") return quarantineEntered(quarantine)
  const group = groups[Math.min(quarantine.list.cursor, groups.length - 1)]
  return action.type === "open" && group !== undefined ? opened(quarantine, group) : [quarantine, []]
}

function opened(
  quarantine: Quarantine,
  group: QuarantineGroup,
): readonly [Quarantine, readonly QuarantineEffect[]] {
  const before = quarantine.open?.group === group ? quarantine.open : null
  const messages = loading(before?.messages ?? UNLOADED)
  return [
    { ...quarantine, open: { group, messages, list: before?.list ?? LIST } },
    [{ type: "quarantine-messages", group }],
  ]
}

export function quarantineTold(quarantine: Quarantine, news: QuarantineNews, nowMs: number): Quarantine {
  if (news.type === "groups") {
    return { ...quarantine, groups: answered(quarantine.groups, news.answer, nowMs) }
  }
  const { open } = quarantine
  if (open === null || open.group !== news.group) return quarantine
  return { ...quarantine, open: { ...open, messages: answered(open.messages, news.answer, nowMs) } }
}
