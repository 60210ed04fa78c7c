/**
 * Shows how far long work has come, on stderr: a bar that moves on a terminal, plain lines elsewhere.
 */
import type * as Progress from "@effect-connectors/core/Progress"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { count } from "./report.ts"

const seconds = (millis: number): string => `${Math.round(millis / 1000)} s`

/** `312 of 1,204 (25 %), 41/s, 22 s left` */
export const describe = (now: Progress.Snapshot, total: number): string => {
  const share = total === 0 ? 100 : Math.floor((now.records * 100) / total)
  const left = now.perSecond === 0 ? undefined : ((total - now.records) * 1000) / now.perSecond
  const end = now.done ? `in ${seconds(now.elapsedMillis)}` : left === undefined ? "starting" : `${seconds(left)} left`
  return `${count(now.records)} of ${count(total)} (${share} %), ${count(now.perSecond)}/s, ${end}`
}

/** A bar of `width` characters. */
export const bar = (records: number, total: number, width: number): string => {
  const full = total === 0 ? width : Math.floor((Math.min(records, total) * width) / total)
  return `${"#".repeat(full)}${".".repeat(width - full)}`
}

/** Shows the progress of `total` records until it ends. */
export const show = (progress: Progress.Progress, label: string, total: number): Effect.Effect<void> => {
  const out = process.stderr
  if (!out.isTTY) {
    return progress
      .snapshots("2 seconds")
      .pipe(Stream.runForEach((now) => Effect.sync(() => void out.write(`${label}: ${describe(now, total)}\n`))))
  }
  return progress.snapshots("100 millis").pipe(
    Stream.runForEach((now) =>
      Effect.sync(() => {
        const text = ` ${describe(now, total)}`
        const room = out.columns - label.length - text.length - 4
        const line = room >= 10 ? `${label} [${bar(now.records, total, Math.min(room, 40))}]${text}` : `${label}${text}`
        // Back to the start of the line, write, and clear what a longer line left behind it.
        out.write(`\r${line.slice(0, out.columns - 1)}\u001b[K${now.done ? "\n" : ""}`)
      })
    )
  )
}
