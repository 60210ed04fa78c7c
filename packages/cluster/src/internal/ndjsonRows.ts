/**
 * The lines of a range of bytes. A line belongs to the range that holds its first byte, so ranges may be cut anywhere, and
 * together have each line once. Effect's `Ndjson` ends at the first line that it can not read; here that is one of the rows.
 */
import * as ExactJson from "@effect-connectors/core/ExactJson"
import { Buffer } from "node:buffer"
import * as Arr from "effect/Array"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { FileSystem, PlatformError } from "./files.ts"

/** A row as it stands in a file: a value, or text that is none and what is wrong with it. */
export interface Raw {
  readonly value: unknown
  readonly issue?: string | undefined
}

export interface Range {
  readonly from: number
  readonly to: number
}

const newline = 10
const chunkSize = 262_144

/** What is kept of a line that is too long. */
const shown = 200

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Whole lines as text; of those that are no UTF-8 as near as it gets. */
const toLines = (bytes: Buffer): ReadonlyArray<string | Raw> => {
  const text = Result.try(() => strict.decode(bytes))
  if (Result.isSuccess(text)) return text.success.split("\n")
  const lines: Array<string | Raw> = []
  for (let begin = 0; begin <= bytes.length;) {
    const end = bytes.indexOf(newline, begin)
    const line = bytes.subarray(begin, end < 0 ? bytes.length : end)
    lines.push(
      Result.getOrElse(
        Result.try((): string | Raw => strict.decode(line)),
        (): Raw => ({ value: line.toString("utf8"), issue: "is no UTF-8" })
      )
    )
    begin += line.length + 1
  }
  return lines
}

const isBlank = (line: string | Raw): boolean => typeof line === "string" && line.trim() === ""

const tooLong = (value: string, maxLineBytes: number): Raw => ({ value, issue: `is longer than ${maxLineBytes} bytes` })

/** Cuts what is read from `start` into the lines of a range. */
const cutter = ({ from, to }: Range, start: number, maxLineBytes: number) => {
  /** Where the next bytes stand in the file. */
  let at = start
  let seeking = start < from
  /** The beginning of a line, as far as it was read. */
  let begun: Array<Uint8Array> = []
  let begunBytes = 0

  const hold = (bytes: Uint8Array) => {
    // What is too long already is not held.
    if (begunBytes <= maxLineBytes) begun.push(bytes)
    begunBytes += bytes.length
  }

  const taken = (bytes: Buffer): ReadonlyArray<string | Raw> => {
    const first = bytes.indexOf(newline)
    const long = begunBytes + (first < 0 ? bytes.length : first) > maxLineBytes
    if (long && begunBytes === 0) hold(bytes.subarray(0, shown))
    const lines = long
      ? [
          tooLong(Buffer.concat(begun).toString("utf8", 0, shown), maxLineBytes),
          ...(first < 0 ? [] : toLines(bytes.subarray(first + 1)))
        ]
      : toLines(begunBytes === 0 ? bytes : Buffer.concat([...begun, bytes]))
    begun = []
    begunBytes = 0
    return lines
  }

  const cut = (chunk: Uint8Array): { readonly lines: ReadonlyArray<string | Raw>; readonly ended: boolean } => {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    const base = at
    at += bytes.length
    let begin = 0
    if (seeking) {
      const end = bytes.indexOf(newline)
      if (end < 0) return { lines: [], ended: at >= to }
      begin = end + 1
      seeking = false
      if (base + begin >= to) return { lines: [], ended: true }
    }
    // The last line of the range ends at the first end of a line that is not before its last byte.
    const last = bytes.indexOf(newline, Math.max(begin, to - 1 - base))
    const end = last >= 0 ? last : bytes.lastIndexOf(newline)
    const ended = last >= 0
    if (end < begin) {
      hold(bytes.subarray(begin))
      return { lines: [], ended: false }
    }
    const lines = taken(bytes.subarray(begin, end))
    if (!ended && end + 1 < bytes.length) hold(bytes.subarray(end + 1))
    return { lines, ended }
  }

  /** A line that the file ends in. */
  const rest = (): ReadonlyArray<string | Raw> => (begunBytes === 0 ? [] : taken(Buffer.alloc(0)))

  return { cut, rest }
}

const parse = (line: string | Raw, maxLineBytes: number): Raw =>
  typeof line !== "string"
    ? line
    : // A unit of text takes at most three bytes.
      line.length * 3 > maxLineBytes && Buffer.byteLength(line) > maxLineBytes
      ? tooLong(line.slice(0, shown), maxLineBytes)
      : Result.match(
          Result.try(() => ExactJson.parse(line)),
          { onSuccess: (value): Raw => ({ value }), onFailure: (): Raw => ({ value: line, issue: "is no JSON" }) }
        )

/** The rows of a range but the first `skip` of them, which are not parsed. Blank lines are none. */
export const read = (
  files: FileSystem,
  file: string,
  range: Range,
  options: { readonly skip: number; readonly maxLineBytes: number }
): Stream.Stream<Raw, PlatformError> =>
  Stream.suspend(() => {
    if (range.from >= range.to) return Stream.empty
    // Whether a line begins at the first byte is seen from the byte before.
    const start = Math.max(0, range.from - 1)
    const { cut, rest } = cutter(range, start, options.maxLineBytes)
    let skip = options.skip
    let isFirst = range.from === 0
    const rows = (lines: ReadonlyArray<string | Raw>): ReadonlyArray<Raw> => {
      const found: Array<Raw> = []
      for (const line of lines) {
        const text = isFirst && typeof line === "string" && line.startsWith("\uFEFF") ? line.slice(1) : line
        isFirst = false
        if (isBlank(text)) continue
        if (skip > 0) skip--
        else found.push(parse(text, options.maxLineBytes))
      }
      return found
    }
    let ended = false
    return files.stream(file, { offset: start, chunkSize }).pipe(
      Stream.map(cut),
      Stream.takeUntil((found) => (ended = found.ended)),
      Stream.map(({ lines }) => lines),
      Stream.concat(Stream.suspend(() => (ended ? Stream.empty : Stream.succeed(rest())))),
      Stream.mapArray((chunk) => Arr.of(rows(chunk.flat()))),
      Stream.flattenIterable
    )
  })
