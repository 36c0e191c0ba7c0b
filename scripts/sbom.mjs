import { readFileSync } from "node:fs"
import { join } from "node:path"

/**
 * What the executable is made of, as a CycloneDX 1.6 document: the packages
 * whose code is in it, and nothing that was only there to build it. Hashes are
 * those of the packages' archives, from the lock file.
 *
 * https://cyclonedx.org/docs/1.6/json/
 */
export function sbomOf(packages, root, { version, commit }) {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages
  // npm may install one version in two places. A bom-ref stands for one component.
  const components = new Map(
    packages.map((each) => [`${each.name}@${each.version}`, component(each, lock[each.folder])]),
  )
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": "peppermill",
        name: "peppermill",
        version,
        licenses: [{ expression: "Apache-2.0" }],
        properties: [{ name: "commit", value: commit }],
      },
    },
    components: [...components.values()],
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

function component({ name, version, license }, { integrity }) {
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`
  const sha512 = Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex")
  return {
    type: "library",
    "bom-ref": purl,
    name,
    version,
    purl,
    licenses: [{ expression: license }],
    hashes: [{ alg: "SHA-512", content: sha512 }],
  }
}
