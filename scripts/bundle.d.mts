export function bundle(
  root: string,
  outfile: string,
  stamp: Readonly<Record<string, string>>,
): Promise<unknown>
