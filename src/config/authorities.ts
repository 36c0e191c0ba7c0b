import { readFile } from "node:fs/promises"
import { UserError } from "../errors.ts"
import { refuseEndless } from "./plain-file.ts"

/**
 * The certificates of a PEM file, to trust instead of those that Node knows.
 *
 * @param settings - What names the file, for the hint.
 * @throws UserError of kind `config` naming the file: Node takes one without a
 * certificate for "trust nobody", and says so only when it connects.
 */
export async function readAuthorities(path: string, settings: string): Promise<string> {
  await refuseEndless(path)
  const text = await readFile(path, "utf8").catch(() => "")
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text
  throw new UserError("config", `${path}: holds no certificate that we can read`, {
    hint: `${settings} must be a PEM file`,
  })
}
