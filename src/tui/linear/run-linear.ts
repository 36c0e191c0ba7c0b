import type { Session, SessionEnd } from "../session.ts"

export async function runLinear(
  session: Session,
  _stdin: NodeJS.ReadStream,
  _stdout: NodeJS.WriteStream,
): Promise<SessionEnd> {
  return await session.ended
}
