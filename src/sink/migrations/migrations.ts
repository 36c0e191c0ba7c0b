import { ledger } from "./001-ledger.ts"
import { vault } from "./002-vault.ts"
import { audit } from "./003-audit.ts"
import { requests } from "./004-requests.ts"
import { releases } from "./005-releases.ts"
import { jobs } from "./006-jobs.ts"
import { quarantine } from "./007-quarantine.ts"
import { erase } from "./008-erase.ts"
import { retention } from "./009-retention.ts"
import { rekey } from "./010-rekey.ts"
import { recipients } from "./011-recipients.ts"
import { bytewise } from "./012-bytewise.ts"
import type { Migration } from "./migration.ts"

/** Every step, in order. Append only. */
export const MIGRATIONS: readonly Migration[] = [
  ledger,
  vault,
  audit,
  requests,
  releases,
  jobs,
  quarantine,
  erase,
  retention,
  rekey,
  recipients,
  bytewise,
]
