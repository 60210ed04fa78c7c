import { type ConnectorError, InvalidOption, InvalidRecord, Reason } from "@effect-connectors/core/ConnectorError"
import * as Schema from "effect/Schema"

/** A file, or a row of one, can not be used. */
export class FileError
  extends Schema.TaggedError<FileError>()("FileError", {
    /** `plan`, `read` or `write`. */
    operation: Schema.String,
    /** The file; of a row, with the part of it that was read. */
    file: Schema.String,
    reason: Reason
  })
  implements ConnectorError
{
  override get message(): string {
    return `${this.operation} ${this.file}: ${this.reason.message}`
  }
}

/** A row of a part, the first one is 1, or one of its fields. */
export const badRow = (file: string, row: number, path: ReadonlyArray<string>, issue: string): FileError =>
  new FileError({
    operation: "read",
    file,
    reason: new InvalidRecord({
      field: [`row ${row}`, ...(path.length === 0 ? [] : [path.join(".")])].join(": "),
      issue
    })
  })

/** The file itself. */
export const badFile = (operation: string, file: string, issue: string): FileError =>
  new FileError({ operation, file, reason: new InvalidOption({ option: "file", issue }) })
