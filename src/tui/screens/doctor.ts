import type { Action } from "../action.ts"
import { LIST, type List, listAfter, matching } from "../list.ts"
import type { Check, Problem } from "../ports.ts"

export interface Doctor {
  readonly checks: readonly Check[]
  readonly isRunning: boolean
  readonly problem: Problem | null
  /** When the checks ended; 0 before. */
  readonly atMs: number
  readonly list: List
}

export const DOCTOR: Doctor = { checks: [], isRunning: false, problem: null, atMs: 0, list: LIST }

export interface DoctorEffect {
  readonly type: "doctor"
}

export type DoctorNews =
  | { readonly type: "check"; readonly check: Check }
  | { readonly type: "checked"; readonly problem: Problem | null }

export function shownChecks(doctor: Doctor): readonly Check[] {
  return matching(doctor.list, doctor.checks, ({ name, result, message }) => `${name} ${result} ${message}`)
}

/** Checks run once on the first visit, and again when asked. */
export function doctorEntered(doctor: Doctor): readonly [Doctor, readonly DoctorEffect[]] {
  return doctor.isRunning || doctor.atMs > 0 ? [doctor, []] : begun(doctor)
}

function begun(doctor: Doctor): readonly [Doctor, readonly DoctorEffect[]] {
  return [{ ...doctor, checks: [], isRunning: true, problem: null }, [{ type: "doctor" }]]
}

export function doctorAfter(doctor: Doctor, action: Action): readonly [Doctor, readonly DoctorEffect[]] {
  if (action.type === "again" && !doctor.isRunning) return begun(doctor)
  const list = listAfter(doctor.list, action, shownChecks(doctor).length)
  return [list === null ? doctor : { ...doctor, list }, []]
}

export function doctorTold(doctor: Doctor, news: DoctorNews, nowMs: number): Doctor {
  return news.type === "check"
    ? { ...doctor, checks: [...doctor.checks, news.check] }
    : { ...doctor, isRunning: false, problem: news.problem, atMs: nowMs }
}
