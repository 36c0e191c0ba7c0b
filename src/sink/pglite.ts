import { existsSync } from "node:fs"
import { join } from "node:path"
import { getRawAsset, isSea } from "node:sea"
import { promisify } from "node:util"
import { zstdDecompress } from "node:zlib"
import type { PGlite } from "@electric-sql/pglite"

// Node's types know what a WebAssembly module is, but not what makes one.
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<WebAssembly.Module>
}

const unpack = promisify(zstdDecompress)

/**
 * Start PGlite in `directory`, which is made if it does not exist, or in memory
 * for null. It takes one to three seconds, and wants `close()`: until then it
 * keeps the process alive.
 *
 * Inside the executable its files come from there; run from source, from its package.
 */
export async function openPGlite(directory: string | null): Promise<PGlite> {
  const { PGlite } = await import("@electric-sql/pglite")
  const place = directory === null ? {} : { dataDir: directory }
  if (!isSea()) return PGlite.create(place)

  const fresh = directory === null || !existsSync(join(directory, "PG_VERSION"))
  const [postgres, files, cluster] = await Promise.all([
    asset("pglite.wasm"),
    asset("pglite.data"),
    fresh ? asset("cluster.tar") : null,
  ])
  return PGlite.create({
    ...place,
    pgliteWasmModule: await WebAssembly.compile(postgres),
    // Never run, as a cluster comes with the executable; but without any, PGlite goes looking for one.
    initdbWasmModule: await WebAssembly.compile(EMPTY_WASM),
    fsBundle: new Blob([files]),
    ...(cluster === null ? {} : { loadDataDir: new Blob([cluster]) }),
  })
}

/** The magic number and the version, and nothing else. */
const EMPTY_WASM = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0)

/** build.mjs compresses them: together they are 55 MB. */
async function asset(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await unpack(new Uint8Array(getRawAsset(`${name}.zst`))))
}
