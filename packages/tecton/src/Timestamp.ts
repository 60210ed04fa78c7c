/**
 * A point in time to the nanosecond, as Tecton has them: a JavaScript date would drop six of the nine digits.
 */
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

const nanosPerMilli = 1_000_000n

/** A point in time to the nanosecond. Equal ones are equal for Effect's `Equal`. */
export class Timestamp extends Data.Class<{
  /** Nanoseconds since 1970-01-01T00:00:00Z. */
  readonly epochNanoseconds: bigint
}> {
  /** Milliseconds since the epoch, rounded down. */
  get epochMillis(): number {
    const { epochNanoseconds } = this
    const millis = epochNanoseconds / nanosPerMilli
    return Number(epochNanoseconds % nanosPerMilli < 0n ? millis - 1n : millis)
  }

  /** RFC 3339 in UTC with 0, 3, 6 or 9 digits of the second's fraction, as few as hold it. */
  override toString(): string {
    // Nothing that is printed may fail for what it is.
    if (!isRfc3339(this)) return `${this.epochNanoseconds} ns`
    const millis = this.epochMillis
    const iso = DateTime.formatIso(DateTime.makeUnsafe(millis))
    const belowMillis = Number(this.epochNanoseconds - BigInt(millis) * nanosPerMilli)
    const fraction = iso.slice(-4, -1) + String(belowMillis).padStart(6, "0")
    const digits = fraction.replace(/(?:000){1,3}$/, "")
    return `${iso.slice(0, -5)}${digits === "" ? "" : `.${digits}`}Z`
  }

  toJSON(): string {
    return this.toString()
  }

  [Inspectable.NodeInspectSymbol](): string {
    return this.toString()
  }
}

/** The timestamp of a number of milliseconds since the epoch. */
export const fromMillis = (millis: number): Timestamp =>
  new Timestamp({ epochNanoseconds: BigInt(Math.floor(millis)) * nanosPerMilli })

/** The timestamp of a `DateTime`. */
export const fromDateTime = (dateTime: DateTime.DateTime): Timestamp => fromMillis(DateTime.toEpochMillis(dateTime))

/** To the millisecond; digits beyond that are dropped. */
export const toDateTime = (timestamp: Timestamp): DateTime.Utc => DateTime.makeUnsafe(timestamp.epochMillis)

/** The first nanosecond of year 1, and the one after the last of year 9999: what RFC 3339 and protobuf can say. */
const [begin, end] = [-62_135_596_800_000_000_000n, 253_402_300_800_000_000_000n]

/** Has it a form in RFC 3339? Those outside the years 1 to 9999 have none. */
export const isRfc3339 = ({ epochNanoseconds }: Timestamp): boolean =>
  epochNanoseconds >= begin && epochNanoseconds < end

const pattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?$/i

/**
 * Reads `YYYY-MM-DDThh:mm[:ss[.f{1,9}]][Z|±hh:mm]`, the form of Tecton's documentation; without a zone it is UTC.
 *
 * @example
 * ```ts
 * import { Timestamp } from "@effect-connectors/tecton"
 *
 * Timestamp.parse("2023-01-02T00:25:06.123456789Z") // Option.some(...)
 * ```
 */
export const parse = (text: string): Option.Option<Timestamp> => {
  const [, year, month, day, hour, minute, second = "00", fraction = "", zone = "Z"] = pattern.exec(text) ?? []
  if (year === undefined) return Option.none()
  const utc = millisOf(Number(year), Number(month), Number(day), Number(hour), Number(minute), Number(second))
  if (utc === undefined) return Option.none()
  const minutes = /^z$/i.test(zone) ? 0 : Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))
  const offset = zone.startsWith("-") ? -minutes : minutes
  const millis = utc - offset * 60_000
  const epochNanoseconds = BigInt(millis) * nanosPerMilli + (fraction === "" ? 0n : BigInt(fraction.padEnd(9, "0")))
  return Option.filter(Option.some(new Timestamp({ epochNanoseconds })), isRfc3339)
}

/** Epoch milliseconds of a time in UTC, unless no calendar or clock has it, such as the 30th of February or 24:00. */
const millisOf = (
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number
): number | undefined => {
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const days = daysBefore[month - 1]
  if (days === undefined || day < 1) return undefined
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const inMonth = month === 2 && !isLeap ? 28 : (daysBefore[month] ?? 366) - days
  if (day > inMonth) return undefined
  // Leap days up to the end of the year before, and the one of this year once it is over.
  const before = year - 1
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400)
  const day0 = year * 365 + leapDays + days - (month > 2 && !isLeap ? 1 : 0) + day - epochDay
  return (((day0 * 24 + hour) * 60 + minute) * 60 + second) * 1000
}

/** Days of a leap year before each of its months. */
const daysBefore = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366]

/** 1970-01-01 in days that are counted in the same way. */
const epochDay = 1970 * 365 + 477 + 1

/** Schema of {@link Timestamp}, for features of type `timestamp`. */
export const TimestampSchema: Schema.Codec<Timestamp> = Schema.declare(
  (u: unknown): u is Timestamp => u instanceof Timestamp,
  { expected: "a timestamp", tectonType: "timestamp" }
)

/**
 * Schema of a feature of type `timestamp` as a `DateTime`, to the millisecond; digits beyond that are dropped.
 *
 * @example
 * ```ts
 * import { FeatureService, Timestamp } from "@effect-connectors/tecton"
 * import * as Schema from "effect/Schema"
 *
 * const service = FeatureService.make("users", {
 *   joinKeys: { user_id: Schema.String },
 *   features: { "profile.signed_up": Timestamp.AsDateTime }
 * })
 * ```
 */
export const AsDateTime: Schema.Codec<DateTime.Utc, Timestamp> = TimestampSchema.pipe(
  Schema.decodeTo(
    Schema.DateTimeUtc,
    SchemaTransformation.transform({ decode: toDateTime, encode: (dateTime) => fromDateTime(dateTime) })
  )
)
