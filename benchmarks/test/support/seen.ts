/** What the page of a report looks like from inside. */
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as path from "node:path"

const Chart = Schema.Struct({
  name: Schema.String,
  /** How many of its drawings are shown. */
  visible: Schema.Int,
  width: Schema.Finite,
  height: Schema.Finite,
  /** The smallest text, in pixels of the screen. */
  leastText: Schema.Finite,
  cutOff: Schema.Array(Schema.String),
  overlapping: Schema.Array(Schema.String),
  described: Schema.Boolean,
  hasTable: Schema.Boolean
})

const Seen = Schema.Struct({
  pageWidth: Schema.Finite,
  sections: Schema.Array(Schema.String),
  charts: Schema.Array(Chart)
})

/** The script to run in the page. */
export const look = fs.readFileSync(path.join(import.meta.dirname, "look.js"), "utf8")

export const seenOf = Schema.decodeUnknownSync(Seen)
