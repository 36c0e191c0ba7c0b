import { createInterface } from "node:readline"
import { Writable } from "node:stream"
import { UserError } from "../errors.ts"

interface Terminal {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
}

/**
 * Ask for a line on the terminal without showing what is typed.
 *
 * @throws UserError of kind `permission` when the person leaves instead: ctrl-c or ctrl-d.
 */
export async function askSecret(
  question: string,
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<string> {
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() })
  // `terminal` makes readline take the input out of its echoing mode; what it would echo goes nowhere.
  const lines = createInterface({ input, output: silence, terminal: true, historySize: 0 })
  output.write(question)
  try {
    return await new Promise<string>((answer, refuse) => {
      lines.once("line", answer)
      lines.once("close", () => refuse(new UserError("permission", "no passphrase was given")))
    })
  } finally {
    lines.close()
    output.write("\n")
  }
}
