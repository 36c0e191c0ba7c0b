import { UserError } from "../errors.ts"
import type { Problem } from "./ports.ts"

/** What a port answered: the thing, or why not. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem }

/** Something that is fetched. What was fetched before stays while news is on its way or failed to come. */
export interface Loaded<T> {
  readonly value: T | null
  readonly atMs: number
  readonly isLoading: boolean
  readonly problem: Problem | null
}

export const UNLOADED: Loaded<never> = { value: null, atMs: 0, isLoading: false, problem: null }

export function loading<T>(before: Loaded<T>): Loaded<T> {
  return { ...before, isLoading: true }
}

export function answered<T>(before: Loaded<T>, answer: Answer<T>, nowMs: number): Loaded<T> {
  return answer.ok
    ? { value: answer.value, atMs: nowMs, isLoading: false, problem: null }
    : { ...before, isLoading: false, problem: answer.problem }
}

/** An error in words. One that is not a `UserError` may quote a value, so only its name is told. */
export function problemOf(error: unknown): Problem {
  if (error instanceof UserError) return { message: error.message, hint: error.hint }
  const name = error instanceof Error ? error.name : typeof error
  return { message: `something unforeseen happened (${name})`, hint: "this is a bug; please report it" }
}
