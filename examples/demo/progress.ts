/**
 * Shows how far long work has come, on stderr: a bar that moves on a terminal, plain lines elsewhere.
 */
import type * as Progress from "@effect-connectors/core/Progress"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { count } from "./report.ts"

const seconds = (millis: number): string => `${Math.round(millis / 1000)} s`

const ending = ({ done, elapsedMillis, perSecond, records }: Progress.Snapshot, total: number): string => {
  if (done) return `${records < total ? "stopped after" : "in"} ${seconds(elapsedMillis)}`
  return perSecond === 0 ? "starting" : `${seconds(((total - records) * 1000) / perSecond)} left`
}

/** `312 of 1,204 (25 %), 41/s, 22 s left` */
export const describe = (now: Progress.Snapshot, total: number): string => {
  const share = total === 0 ? 100 : Math.floor((now.records * 100) / total)
  return `${count(now.records)} of ${count(total)} (${share} %), ${count(now.perSecond)}/s, ${ending(now, total)}`
}

/** A bar of `width` characters. */
export const bar = (records: number, total: number, width: number): string => {
  const full = total === 0 ? width : Math.floor((Math.min(records, total) * width) / total)
  return `${"#".repeat(full)}${".".repeat(width - full)}`
}

/** Shows the progress of `total` records until it ends; interrupted, it says so in its last line. */
export const show = (progress: Progress.Progress, label: string, total: number): Effect.Effect<void> => {
  const out = process.stderr
  // Some terminals say they have no columns.
  const columns = out.columns || 80
  const line = (now: Progress.Snapshot): string => {
    if (!out.isTTY) return `${label}: ${describe(now, total)}\n`
    const text = ` ${describe(now, total)}`
    const room = columns - label.length - text.length - 4
    const shown = room >= 10 ? `${label} [${bar(now.records, total, Math.min(room, 40))}]${text}` : `${label}${text}`
    // Back to the start of the line, write, and clear what a longer line left behind it.
    return `\r${shown.slice(0, columns - 1)}\u001b[K${now.done ? "\n" : ""}`
  }
  const write = (now: Progress.Snapshot) => Effect.sync(() => void out.write(line(now)))
  return progress.snapshots(out.isTTY ? "100 millis" : "2 seconds").pipe(
    Stream.runForEach(write),
    Effect.onInterrupt(() => Effect.flatMap(progress.snapshot, (now) => write({ ...now, done: true })))
  )
}
