import type { EventField, EventShape } from "../decode/event-shape.ts"
import { MAX_TOKEN_LENGTH } from "../mask/token.ts"

/** A column of the event table that the sink fills. */
export interface EventColumn {
  readonly name: string
  /** The type that `init` gives it. */
  readonly ddl: string
  /** The type its values have in a statement. */
  readonly element: string
  /** Which types of an existing column take these values without loss, varchar aside. */
  readonly fits: readonly string[]
  /** Characters a varchar must hold; null for no bound; undefined when the values are not text. */
  readonly characters: number | null | undefined
  readonly nullable: boolean
  /** For messages: the field's name, or the source of the date. */
  readonly from: string
  readonly kind: "plain" | "token" | "sent-date"
}

/** What the original table has, and room for a longer token one day. */
const TOKEN_COLUMN_WIDTH = 256

/** The event table's columns, in the order `init` creates them: fields as the shape has them, then the date. */
export function eventColumns(shape: EventShape): readonly EventColumn[] {
  const columns = shape.fields.map((field): EventColumn => {
    const { name, column, mask, nullable } = field
    return { name: column, nullable, from: `field ${name}`, ...(mask ? TOKEN : plainType(field)) }
  })
  return shape.sentDate === null ? columns : [...columns, { name: shape.sentDate, ...SENT_DATE }]
}

const TOKEN = {
  kind: "token",
  ddl: `varchar(${TOKEN_COLUMN_WIDTH})`,
  element: "text",
  fits: ["text"],
  characters: MAX_TOKEN_LENGTH,
} as const

const SENT_DATE = {
  kind: "sent-date",
  ddl: "date",
  element: "date",
  fits: ["date"],
  characters: undefined,
  nullable: false,
  from: "date of sending",
} as const

type PlainType = Pick<EventColumn, "kind" | "ddl" | "element" | "fits" | "characters">

function plainType({ type, maxLength }: EventField): PlainType {
  switch (type) {
    case "text":
      return maxLength === undefined ? text("text", null) : text(`varchar(${maxLength})`, maxLength)
    case "ip":
      // The longest canonical text of an address has eight groups of four digits.
      return text("text", 39)
    case "version":
      return exact("integer", ["integer", "bigint", "numeric"])
    case "integer":
      return exact("bigint", ["bigint", "numeric"])
    case "number":
      return exact("double precision", ["double precision", "numeric"])
    case "boolean":
      return exact("boolean", ["boolean"])
    case "timestamp":
      return exact("timestamp with time zone", ["timestamp with time zone"])
  }
}

function text(ddl: string, characters: number | null): PlainType {
  return { kind: "plain", ddl, element: "text", fits: ["text"], characters }
}

function exact(type: string, fits: readonly string[]): PlainType {
  return { kind: "plain", ddl: type, element: type, fits, characters: undefined }
}
