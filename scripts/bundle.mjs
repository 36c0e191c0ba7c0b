import { builtinModules } from "node:module"
import { build } from "esbuild"

/**
 * A static import of a builtin runs at start even when its importer is loaded
 * lazily, and node:http alone draws in a second undici. Asked for like this, a
 * builtin is loaded when its importer runs.
 */
const lazyBuiltins = {
  name: "lazy-builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z]/ }, ({ path }) =>
      path.startsWith("node:") || builtinModules.includes(path) ? { path, namespace: "builtin" } : undefined,
    )
    onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
    }))
  },
}

// Nothing found on the disk can be loaded as code: what a bundled package still asks for at run time, it does
// not get. import.meta is touched at once because Node fills it on first use, and cannot any more after the
// garbage collector has been.
const BANNER = `import.meta.url;
const require = (name) => {
  throw Object.assign(new Error("not part of this executable: " + name), { code: "MODULE_NOT_FOUND" })
};`

/**
 * Bundle src/main.ts into one ES module.
 *
 * @param stamp What src/version.ts shows of this build.
 * @returns esbuild's metafile: what went in, and how much of it.
 */
export async function bundle(root, outfile, stamp) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["src/main.ts"],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node26",
    // Names stay, so that the stack of a bug can be read.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "external",
    banner: { js: BANNER },
    define: { "process.env.NODE_ENV": '"production"', PEPPERMILL_BUILD: JSON.stringify(stamp) },
    // Two optional packages that we do not ship.
    alias: { "react-devtools-core": "./scripts/absent.mjs", "pg-native": "./scripts/absent.mjs" },
    // A node_modules that lies elsewhere must not bring its path with it.
    preserveSymlinks: true,
    loader: { ".yaml": "text" },
    plugins: [lazyBuiltins],
    metafile: true,
    logLevel: "warning",
  })
  return metafile
}
