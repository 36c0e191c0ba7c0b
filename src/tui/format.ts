const NUMBER = new Intl.NumberFormat("en-US")

/** 1234567 → `1,234,567`. */
export function count(value: number): string {
  return NUMBER.format(Math.round(value))
}

/** A count and its noun: `1 batch`, `2 batches`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** How long a call took: `0.4 ms`, `12 ms`, `1.24 s`, `75 s`. */
export function latency(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9995) return `${(ms / 1000).toFixed(2)} s`
  return `${Math.round(ms / 1000)} s`
}

/** A stretch of time as people say it, in its two largest units: `8 s`, `3 min 20 s`, `2 h 05 min`, `4 d 3 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  if (minutes === 0) return `${seconds} s`
  if (hours === 0) return `${minutes} min ${String(seconds % 60).padStart(2, "0")} s`
  if (days === 0) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`
  return `${days} d ${hours % 24} h`
}

/** A stretch of time in its largest unit, for what is only an estimate: `20 s`, `3 min`, `2 h`, `4 d`. */
export function roughly(ms: number): string {
  const seconds = Math.max(0, ms / 1000)
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** UTC, `19:51:07`. */
export function timeOfDay(atMs: number): string {
  return iso(atMs).slice(11, 19)
}

/** UTC, `2026-11-22`. */
export function date(atMs: number): string {
  return iso(atMs).slice(0, 10)
}

/** UTC, `2026-11-22 19:51:07`. */
export function dateTime(atMs: number): string {
  return iso(atMs).slice(0, 19).replace("T", " ")
}

function iso(atMs: number): string {
  const date = new Date(atMs)
  return Number.isNaN(date.getTime()) ? "????-??-??T??:??:??" : date.toISOString()
}
