/**
 * How long to wait before try `attempt + 1`: full jitter over an exponential
 * range, so that many workers that failed together do not return together.
 *
 * @param attempt - The try that failed, counting from 1.
 */
export function backoffMs(
  attempt: number,
  { baseMs, capMs }: { readonly baseMs: number; readonly capMs: number },
  random: () => number = Math.random,
): number {
  return Math.round(random() * Math.min(capMs, baseMs * 2 ** (attempt - 1)))
}
