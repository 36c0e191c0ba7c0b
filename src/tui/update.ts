import { type Action, SCREENS, type Screen } from "./action.ts"
import { overlayRows } from "./keymap-text.ts"
import { LIST, listAfter } from "./list.ts"
import type { LogLine } from "./log.ts"
import type { DrainView } from "./meter/drain-view.ts"
import type { Model } from "./model.ts"
import { type AuditEffect, type AuditNews, auditAfter, auditEntered, auditTold } from "./screens/audit.ts"
import {
  type DoctorEffect,
  type DoctorNews,
  doctorAfter,
  doctorEntered,
  doctorTold,
} from "./screens/doctor.ts"
import { type DrainEffect, drainAfter } from "./screens/drain.ts"
import { type KeysEffect, type KeysNews, keysAfter, keysEntered, keysTold } from "./screens/keys.ts"
import {
  type QuarantineEffect,
  type QuarantineNews,
  quarantineAfter,
  quarantineEntered,
  quarantineTold,
} from "./screens/quarantine.ts"
import type { RecoverEffect, RecoverNews } from "./screens/recover.ts"
import { recoverTold } from "./screens/recover-news.ts"
import { recoverAfter, recoverEntered, recoverLeft, recoverTicked } from "./screens/recover-steps.ts"

/** What happened, to the model: a key, time, or an answer. */
export type Message =
  | { readonly type: "act"; readonly action: Action; readonly pageRows: number }
  | {
      readonly type: "tick"
      readonly nowMs: number
      readonly drain: DrainView | null
      readonly log: readonly LogLine[]
    }
  | { readonly type: "told"; readonly news: News }

export type News = QuarantineNews | RecoverNews | AuditNews | DoctorNews | KeysNews

/** What is to be done in the world. The model never does it itself. */
export type Effect =
  | QuarantineEffect
  | RecoverEffect
  | AuditEffect
  | DoctorEffect
  | KeysEffect
  | DrainEffect
  | { readonly type: "leave"; readonly now: boolean }

export type Next = readonly [Model, readonly Effect[]]

export function update(model: Model, message: Message): Next {
  switch (message.type) {
    case "tick": {
      const [recover, effects] = recoverTicked(model.recover, message.nowMs)
      const drain = message.drain === model.drain.view ? model.drain : { ...model.drain, view: message.drain }
      return [{ ...model, nowMs: message.nowMs, drain, recover, log: message.log }, effects]
    }
    case "told":
      return [told(model, message.news), []]
    case "act":
      return act(model, paged(message.action, message.pageRows), message.pageRows)
  }
}

function paged(action: Action, pageRows: number): Action {
  return action.type === "page" ? { type: "move", by: action.by * Math.max(1, pageRows - 1) } : action
}

function act(model: Model, action: Action, pageRows: number): Next {
  if (action.type === "leave") {
    return [{ ...model, isLeaving: true }, [{ type: "leave", now: model.isLeaving }]]
  }
  if (model.overlay !== null) return [inOverlay(model, action, pageRows), []]
  switch (action.type) {
    case "help":
    case "log":
      return [{ ...model, overlay: { page: action.type, list: LIST } }, []]
    case "show":
      return show(model, action.screen)
    case "turn": {
      const at = SCREENS.indexOf(model.screen) + action.by
      return show(model, SCREENS[(at + SCREENS.length) % SCREENS.length] as Screen)
    }
    default:
      return model.missing[model.screen] !== null && action.type !== "demo"
        ? [model, []]
        : onScreen(model, action)
  }
}

/** A page over the screen is no list: its cursor is the first line that shows. */
function inOverlay(model: Model, action: Action, pageRows: number): Model {
  const { overlay } = model
  if (overlay === null) return model
  if (action.type === "back" || action.type === overlay.page) return { ...model, overlay: null }
  if (action.type === "help" || action.type === "log")
    return { ...model, overlay: { page: action.type, list: LIST } }
  const list = listAfter(overlay.list, action, Math.max(1, overlayRows(model) - pageRows + 2))
  return list === null ? model : { ...model, overlay: { ...overlay, list } }
}

function show(model: Model, screen: Screen): Next {
  if (screen === model.screen) return [model, []]
  const left = {
    ...model,
    screen,
    recover: model.screen === "recover" ? recoverLeft(model.recover) : model.recover,
  }
  if (model.missing[screen] !== null) return [left, []]
  switch (screen) {
    case "drain":
      return [left, []]
    case "quarantine":
      return part(left, "quarantine", quarantineEntered(left.quarantine))
    case "recover":
      return part(left, "recover", recoverEntered(left.recover))
    case "audit":
      return part(left, "audit", auditEntered(left.audit))
    case "doctor":
      return part(left, "doctor", doctorEntered(left.doctor))
    case "keys":
      return part(left, "keys", keysEntered(left.keys))
  }
}

function onScreen(model: Model, action: Action): Next {
  switch (model.screen) {
    case "drain":
      return part(model, "drain", drainAfter(model.drain, action))
    case "quarantine":
      return part(model, "quarantine", quarantineAfter(model.quarantine, action))
    case "recover":
      return part(model, "recover", recoverAfter(model.recover, action, model.nowMs))
    case "audit":
      return part(model, "audit", auditAfter(model.audit, action))
    case "doctor":
      return part(model, "doctor", doctorAfter(model.doctor, action))
    case "keys":
      return part(model, "keys", keysAfter(model.keys, action))
  }
}

function part<K extends Screen>(
  model: Model,
  key: K,
  [value, effects]: readonly [Model[K], readonly Effect[]],
): Next {
  return [value === model[key] ? model : { ...model, [key]: value }, effects]
}

function told(model: Model, news: News): Model {
  const { nowMs } = model
  switch (news.type) {
    case "groups":
    case "messages":
      return { ...model, quarantine: quarantineTold(model.quarantine, news, nowMs) }
    case "records":
      return { ...model, audit: auditTold(model.audit, news, nowMs) }
    case "check":
    case "checked":
      return { ...model, doctor: doctorTold(model.doctor, news, nowMs) }
    case "ring":
      return { ...model, keys: keysTold(model.keys, news, nowMs) }
    default: {
      const isShowing = model.screen === "recover"
      return { ...model, recover: recoverTold(model.recover, news, nowMs, isShowing) }
    }
  }
}
