import { PassThrough, Writable } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import xterm from "@xterm/headless"

/** A terminal without a window: what is written to it can be read as a person would see it. */
export interface FakeTerminal {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  /** Every byte that was written. */
  raw(): string
  /** The lines on the screen, blanks at their ends removed. */
  lines(): Promise<readonly string[]>
  text(): Promise<string>
  /** Resolves once the screen matches; fails with the screen when it does not within twenty seconds. */
  sees(pattern: RegExp): Promise<void>
  type(keys: string): void
  resize(columns: number, rows: number): void
  readonly isAlternate: boolean
  readonly isRaw: boolean
}

export function createFakeTerminal(columns: number, rows: number): FakeTerminal {
  const screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true })
  let raw = ""
  let isRaw = false
  const stdout = Object.assign(
    new Writable({
      decodeStrings: false,
      write(chunk: string, _, done) {
        raw += chunk
        // A terminal driver turns a line feed into both.
        screen.write(chunk.replaceAll("\n", "\r\n"), done)
      },
    }),
    { isTTY: true, columns, rows },
  ) as unknown as NodeJS.WriteStream
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode(mode: boolean) {
      isRaw = mode
    },
    ref() {},
    unref() {},
  }) as unknown as NodeJS.ReadStream

  const it: FakeTerminal = {
    stdin,
    stdout,
    raw: () => raw,
    async lines() {
      await new Promise<void>((resolve) => screen.write("", resolve))
      const buffer = screen.buffer.active
      return Array.from(
        { length: screen.rows },
        (_, at) => buffer.getLine(buffer.baseY + at)?.translateToString(true) ?? "",
      )
    },
    async text() {
      return (await it.lines()).join("\n")
    },
    async sees(pattern) {
      const untilMs = Date.now() + 20_000
      while (!pattern.test(await it.text())) {
        if (Date.now() > untilMs) throw new Error(`${pattern} did not come:\n${await it.text()}`)
        await sleep(20)
      }
    },
    type(keys) {
      ;(stdin as unknown as PassThrough).write(keys)
    },
    resize(nextColumns, nextRows) {
      screen.resize(nextColumns, nextRows)
      Object.assign(stdout, { columns: nextColumns, rows: nextRows })
      stdout.emit("resize")
    },
    get isAlternate() {
      return screen.buffer.active.type === "alternate"
    },
    get isRaw() {
      return isRaw
    },
  }
  return it
}
