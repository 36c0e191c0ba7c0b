import { ledger } from "./001-ledger.ts"
import { vault } from "./002-vault.ts"
import { audit } from "./003-audit.ts"
import { recovery } from "./004-recovery.ts"
import { jobs } from "./005-jobs.ts"
import { quarantine } from "./006-quarantine.ts"
import { erase } from "./007-erase.ts"
import { retention } from "./008-retention.ts"
import { rekey } from "./009-rekey.ts"
import { recipients } from "./010-recipients.ts"
import type { Migration } from "./migration.ts"

/** Every step, in order. Append only. */
export const MIGRATIONS: readonly Migration[] = [
  ledger,
  vault,
  audit,
  recovery,
  jobs,
  quarantine,
  erase,
  retention,
  rekey,
  recipients,
]
