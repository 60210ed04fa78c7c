/** A file of dead letters as it lies on the disk, read without the code that wrote it. */
import * as Schema from "effect/Schema"
import * as fs from "node:fs"

const Letter = Schema.Struct({
  id: Schema.String,
  outcome: Schema.Literals(["Rejected", "Unknown"]),
  reason: Schema.Struct({ _tag: Schema.String, message: Schema.String }),
  attempts: Schema.Int,
  time: Schema.String,
  record: Schema.Struct({ id: Schema.String })
})

export type Letter = typeof Letter.Type

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Union([Letter, Schema.Unknown])))

const isLetter = Schema.is(Letter)

/** The letters of a file by their ids, the last of each, and how many lines there are of them. */
export const read = (file: string): { readonly byId: ReadonlyMap<string, Letter>; readonly lines: number } => {
  const byId = new Map<string, Letter>()
  let lines = 0
  if (!fs.existsSync(file)) return { byId, lines }
  for (const line of fs.readFileSync(file, "utf8").split("\n")) {
    if (line === "") continue
    const letter = decode(line)
    if (!isLetter(letter)) continue
    lines++
    byId.set(letter.id, letter)
  }
  return { byId, lines }
}
