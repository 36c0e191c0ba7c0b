import stringWidth from "string-width"

/** Marks a reader can still tell apart on one letter; real orthographies need no more. */
const MARKS_PER_LETTER = 4

/** Printable ASCII shows as itself, so most text never meets the loop below. */
const PLAIN = /^[\x20-\x7e]*$/

const CONTROL = /\p{Cc}/u
const MARK = /\p{M}/u

/**
 * What would not show, would show in another order, or would change the width
 * of its neighbours: format and bidi characters, line and paragraph separators,
 * private and unassigned ones, fillers and variation selectors, and the flags
 * and skin tones that terminals disagree about.
 */
const UNSEEN = /[\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{RI}\p{EMod}]/u

/**
 * Text from a queue, a database or an argument, made fit for a terminal: it is
 * shown, never obeyed. The result is one line.
 *
 * Control characters become `\xNN`; invisible and reordering ones `\u{…}`;
 * ill-formed UTF-16 U+FFFD; a mark that stands alone or begins a flood `\u{…}`,
 * and the rest of the flood `+` and how many. A backslash stays itself, so
 * making a text safe twice changes nothing.
 *
 * @param maxWidth - Terminal columns. A longer text ends in `ellipsis`; an escape is never cut in two.
 */
export function safe(text: string, maxWidth = Number.POSITIVE_INFINITY, ellipsis = "…"): string {
  if (text.length <= maxWidth && PLAIN.test(text)) return text

  let shown = ""
  let width = 0
  // Where to cut should the text turn out too long: the last place that leaves room for the ellipsis.
  const room = maxWidth - ellipsis.length
  let cut = 0
  for (const piece of piecesOf(text)) {
    width += piece.width
    if (width > maxWidth) return shown.slice(0, cut) + ellipsis.slice(0, Math.max(0, maxWidth))
    shown += piece.text
    if (width <= room) cut = shown.length
  }
  return shown
}

/** What stands for one character, or for a flood of marks. */
interface Piece {
  readonly text: string
  readonly width: number
  readonly isMark: boolean
}

function* piecesOf(text: string): Generator<Piece> {
  let marks = MARKS_PER_LETTER
  let flood = ""
  let flooding = 0
  for (const character of text) {
    const piece = pieceFor(character)
    if (piece.isMark && marks >= MARKS_PER_LETTER) {
      if (flooding++ === 0) flood = codePoint(character)
      continue
    }
    if (flooding > 0) yield floodPiece(flood, flooding)
    flooding = 0
    // An escape is not a letter: a mark after it would sit on our own brace.
    if (piece.text !== character) marks = MARKS_PER_LETTER
    else marks = piece.isMark ? marks + 1 : 0
    yield piece
  }
  if (flooding > 0) yield floodPiece(flood, flooding)
}

function floodPiece(first: string, marks: number): Piece {
  return plainPiece(marks === 1 ? first : `${first}+${marks - 1}`)
}

/** Screens draw the same few characters over and over. */
const known = new Map<string, Piece>()
const MAX_KNOWN = 1000

function pieceFor(character: string): Piece {
  const before = known.get(character)
  if (before !== undefined) return before
  const piece = { ...plainPiece(visible(character)), isMark: MARK.test(character) }
  if (known.size < MAX_KNOWN) known.set(character, piece)
  return piece
}

function plainPiece(text: string): Piece {
  return { text, width: stringWidth(text), isMark: false }
}

function visible(character: string): string {
  if (CONTROL.test(character)) return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`
  if (!character.isWellFormed()) return "\ufffd"
  return UNSEEN.test(character) ? codePoint(character) : character
}

function codePoint(character: string): string {
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`
}
