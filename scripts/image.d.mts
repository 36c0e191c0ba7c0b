export declare const BASE_LIBRARIES: Readonly<Record<string, readonly string[]>>
export declare function librariesOf(file: string): readonly { readonly name: string; readonly path: string }[]
export declare function layOut(folder: string): readonly string[]
