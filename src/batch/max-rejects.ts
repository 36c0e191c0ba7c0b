import { UserError } from "../errors.ts"

/** How many rejected messages a batch may have and still succeed. */
export type MaxRejects = { readonly count: number } | { readonly percent: number }

/** @throws UserError of kind `usage`: anything but `N` or `N%`. */
export function parseMaxRejects(text: string): MaxRejects {
  const match = /^(\d{1,15}|\d{1,3}(?:\.\d+)?(?=%))(%?)$/.exec(text)
  const value = Number(match?.[1])
  if (match === null || (match[2] === "%" && value > 100)) {
    throw new UserError("usage", "--max-rejects: not a number or a percentage", {
      hint: "say --max-rejects 10, or --max-rejects 1% of the messages received",
    })
  }
  return match[2] === "%" ? { percent: value } : { count: value }
}

export function tooManyRejects(allowed: MaxRejects, rejected: number, received: number): boolean {
  return rejected > ("count" in allowed ? allowed.count : (allowed.percent / 100) * received)
}
