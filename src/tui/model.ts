import type { Screen } from "./action.ts"
import type { List } from "./list.ts"
import type { LogLine } from "./log.ts"
import type { Ports, Problem } from "./ports.ts"
import { AUDIT, type Audit } from "./screens/audit.ts"
import { DOCTOR, type Doctor } from "./screens/doctor.ts"
import { DRAIN, type DrainScreen } from "./screens/drain.ts"
import { KEYS, type Keys } from "./screens/keys.ts"
import { QUARANTINE, type Quarantine } from "./screens/quarantine.ts"
import { RECOVER, type Recover } from "./screens/recover.ts"

/** All that is on the screen. A surface is a picture of it. */
export interface Model {
  readonly nowMs: number
  readonly queue: string | null
  readonly database: string | null
  /** Why a screen has nothing to show, where its back end is not there. */
  readonly missing: Readonly<Record<Screen, Problem | null>>
  readonly screen: Screen
  /** A page that covers the screen. */
  readonly overlay: { readonly page: "help" | "log"; readonly list: List } | null
  /** Whether the operator asked to leave; twice means now. */
  readonly isLeaving: boolean
  readonly drain: DrainScreen
  readonly quarantine: Quarantine
  readonly recover: Recover
  readonly audit: Audit
  readonly doctor: Doctor
  readonly keys: Keys
  /** Newest first. */
  readonly log: readonly LogLine[]
}

export function firstModel(ports: Ports, nowMs: number): Model {
  return {
    nowMs,
    queue: ports.queue,
    database: ports.database,
    missing: {
      drain: ports.drain.missing ?? null,
      quarantine: ports.quarantine.missing ?? null,
      recover: ports.recovery.missing ?? null,
      audit: ports.audit.missing ?? null,
      keys: ports.keys.missing ?? null,
      doctor: null,
    },
    screen: "drain",
    overlay: null,
    isLeaving: false,
    drain: DRAIN,
    quarantine: QUARANTINE,
    recover: RECOVER,
    audit: AUDIT,
    doctor: DOCTOR,
    keys: KEYS,
    log: [],
  }
}

/** The list that has the keys now, if any. */
export function listOf(model: Model): List | null {
  if (model.overlay !== null) return model.overlay.list
  switch (model.screen) {
    case "drain":
      return model.drain.list
    case "quarantine":
      return model.quarantine.open?.list ?? model.quarantine.list
    case "audit":
      return model.audit.list
    case "doctor":
      return model.doctor.list
    case "keys":
      return model.keys.list
    case "recover":
      return null
  }
}
