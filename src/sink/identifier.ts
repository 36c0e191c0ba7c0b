/** A table's place: a name without a schema lives in `public`. */
export interface TableName {
  readonly schema: string
  readonly name: string
}

export function parseTableName(table: string): TableName {
  const dot = table.indexOf(".")
  return dot === -1
    ? { schema: "public", name: table }
    : { schema: table.slice(0, dot), name: table.slice(dot + 1) }
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function quoteTable({ schema, name }: TableName): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}

/** A string constant. Correct where standard_conforming_strings is on, which PostgreSQL 9.1 made the default. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** `schema.name` for people, without quotes. */
export function printTable({ schema, name }: TableName): string {
  return `${schema}.${name}`
}
