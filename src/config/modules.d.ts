/** Text that the build embeds in the binary. */
declare module "*.yaml" {
  const text: string
  export default text
}

/** The part of cosmiconfig that searches and reads: its published types leave this class out. */
declare module "cosmiconfig/dist/Explorer.js" {
  import type { CosmiconfigResult, Options } from "cosmiconfig"

  export class Explorer {
    constructor(options: Options & { moduleName: string; metaConfigFilePath: null })
    search(directory: string): Promise<CosmiconfigResult>
    load(file: string): Promise<CosmiconfigResult>
  }
}
