/** Types as people write them: the inverse of `DataType.format`. */
import * as DataType from "@effect-connectors/tecton/DataType"

const scalars: ReadonlyMap<string, DataType.DataType> = new Map(
  [DataType.boolean, DataType.int64, DataType.float32, DataType.float64, DataType.string, DataType.timestamp].map(
    (dataType) => [dataType.type, dataType]
  )
)

const maxDepth = 100

/** What is left to read of a text. */
interface Cursor {
  readonly words: ReadonlyArray<string>
  at: number
}

/** The type a text says, or nothing when it says none. */
export const parse = (text: string): DataType.DataType | undefined => {
  const words = text.match(/[A-Za-z_][\w-]*|[^\s\w]/g) ?? []
  // What the pattern skips is no part of a type.
  if (words.join("") !== text.replaceAll(/\s/g, "")) return undefined
  const cursor: Cursor = { words, at: 0 }
  const dataType = one(cursor, maxDepth)
  return cursor.at === words.length ? dataType : undefined
}

const take = (cursor: Cursor): string => cursor.words[cursor.at++] ?? ""

/** Takes a word if it is the next one. */
const skip = (cursor: Cursor, word: string): boolean => {
  const found = cursor.words[cursor.at] === word
  if (found) cursor.at++
  return found
}

const one = (cursor: Cursor, levels: number): DataType.DataType | undefined => {
  if (levels === 0) return undefined
  const word = take(cursor)
  const scalar = scalars.get(word)
  if (scalar !== undefined) return scalar
  if (!skip(cursor, "<")) return undefined
  const inner =
    word === "array"
      ? arrayOf(cursor, levels - 1)
      : word === "map"
        ? mapOf(cursor, levels - 1)
        : word === "struct"
          ? structOf(cursor, levels - 1)
          : undefined
  return skip(cursor, ">") ? inner : undefined
}

const arrayOf = (cursor: Cursor, levels: number): DataType.DataType | undefined => {
  const element = one(cursor, levels)
  return element && DataType.array(element)
}

const mapOf = (cursor: Cursor, levels: number): DataType.DataType | undefined => {
  if (!skip(cursor, "string") || !skip(cursor, ",")) return undefined
  const value = one(cursor, levels)
  return value && DataType.map(value)
}

const structOf = (cursor: Cursor, levels: number): DataType.DataType | undefined => {
  const fields: Array<DataType.Field> = []
  do {
    const name = take(cursor)
    if (!/^\w/.test(name) || !skip(cursor, ":")) return undefined
    const dataType = one(cursor, levels)
    if (dataType === undefined || fields.some((field) => field.name === name)) return undefined
    fields.push({ name, dataType })
  } while (skip(cursor, ","))
  return { type: "struct", fields }
}
