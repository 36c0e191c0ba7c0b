import { ledger } from "./001-ledger.ts"
import { vault } from "./002-vault.ts"
import { audit } from "./003-audit.ts"
import { recovery } from "./004-recovery.ts"
import { quarantine } from "./005-quarantine.ts"
import { erase } from "./006-erase.ts"
import { retention } from "./007-retention.ts"
import { keys } from "./008-keys.ts"
import type { Migration } from "./migration.ts"

/** Every step, in order. Append only. */
export const MIGRATIONS: readonly Migration[] = [
  ledger,
  vault,
  audit,
  recovery,
  quarantine,
  erase,
  retention,
  keys,
]
