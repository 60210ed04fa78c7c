/** The last measurement of real runners, which the model is held against. */
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as path from "node:path"
import { Measured } from "./measure.ts"

export const measuredFile = path.join(import.meta.dirname, "measured.json")

export const readMeasured = (): typeof Measured.Type =>
  Schema.decodeUnknownSync(Schema.fromJsonString(Measured))(fs.readFileSync(measuredFile, "utf8"))
