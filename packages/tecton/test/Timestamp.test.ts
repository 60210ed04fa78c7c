import * as Timestamp from "@effect-connectors/tecton/Timestamp"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as DateTime from "effect/DateTime"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"

const at = (epochNanoseconds: bigint) => new Timestamp.Timestamp({ epochNanoseconds })

describe("printing", () => {
  it("never fails, whatever the time", () => {
    // Far beyond what a date can be, and just before the year 1 and after 9999.
    for (const nanos of [10n ** 30n, -(10n ** 30n), -62_135_596_800_000_000_001n, 253_402_300_800_000_000_000n]) {
      assert.strictEqual(String(at(nanos)), `${nanos} ns`)
      assert.strictEqual(JSON.stringify(at(nanos)), `"${nanos} ns"`)
      assert.strictEqual(inspect(at(nanos)), `${nanos} ns`)
    }
  })
})

describe("parse", () => {
  const valid: ReadonlyArray<readonly [text: string, nanos: bigint, written: string]> = [
    ["1970-01-01T00:00:00Z", 0n, "1970-01-01T00:00:00Z"],
    ["1970-01-01T00:00", 0n, "1970-01-01T00:00:00Z"],
    ["1970-01-01T00:00:01", 1_000_000_000n, "1970-01-01T00:00:01Z"],
    ["2023-01-02T00:25:06.1Z", 1_672_619_106_100_000_000n, "2023-01-02T00:25:06.100Z"],
    ["2023-01-02T00:25:06.123Z", 1_672_619_106_123_000_000n, "2023-01-02T00:25:06.123Z"],
    ["2023-01-02T00:25:06.123456Z", 1_672_619_106_123_456_000n, "2023-01-02T00:25:06.123456Z"],
    ["2023-01-02T00:25:06.123456789Z", 1_672_619_106_123_456_789n, "2023-01-02T00:25:06.123456789Z"],
    ["2023-01-02T00:25:06.000000001Z", 1_672_619_106_000_000_001n, "2023-01-02T00:25:06.000000001Z"],
    ["2023-01-02T00:25:06.000Z", 1_672_619_106_000_000_000n, "2023-01-02T00:25:06Z"],
    ["2023-01-02T02:25:06+02:00", 1_672_619_106_000_000_000n, "2023-01-02T00:25:06Z"],
    ["2023-01-01T18:55:06.5-05:30", 1_672_619_106_500_000_000n, "2023-01-02T00:25:06.500Z"],
    ["2023-01-02T00:25:06-00:00", 1_672_619_106_000_000_000n, "2023-01-02T00:25:06Z"],
    ["2024-02-29T12:00:00Z", 1_709_208_000_000_000_000n, "2024-02-29T12:00:00Z"],
    ["2000-02-29T00:00:00Z", 951_782_400_000_000_000n, "2000-02-29T00:00:00Z"],
    ["1969-12-31T23:59:59.999999999Z", -1n, "1969-12-31T23:59:59.999999999Z"],
    ["1969-12-31T23:59:59.5Z", -500_000_000n, "1969-12-31T23:59:59.500Z"],
    ["2023-01-02t00:25:06z", 1_672_619_106_000_000_000n, "2023-01-02T00:25:06Z"],
    ["2023-01-02t00:25:06.5Z", 1_672_619_106_500_000_000n, "2023-01-02T00:25:06.500Z"],
    ["2023-01-02t02:25:06+02:00", 1_672_619_106_000_000_000n, "2023-01-02T00:25:06Z"],
    ["2023-01-02T00:25z", 1_672_619_100_000_000_000n, "2023-01-02T00:25:00Z"],
    ["0001-01-01T00:00:00Z", -62_135_596_800_000_000_000n, "0001-01-01T00:00:00Z"],
    ["9999-12-31T23:59:59.999999999Z", 253_402_300_799_999_999_999n, "9999-12-31T23:59:59.999999999Z"]
  ]
  it.each(valid)("%s", (text, nanos, written) => {
    const parsed = Option.getOrThrow(Timestamp.parse(text))
    assert.strictEqual(parsed.epochNanoseconds, nanos)
    assert.strictEqual(String(parsed), written)
  })

  it.each([
    "",
    "now",
    "2023-01-02",
    "2023-01-02 00:25:06Z",
    "2023-1-2T00:25:06Z",
    "2023-01-02T00Z",
    "2023-02-29T00:00:00Z",
    "2023-02-30T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2023-13-01T00:00:00Z",
    "2023-00-01T00:00:00Z",
    "2023-01-00T00:00:00Z",
    "2023-04-31T00:00:00Z",
    "2023-01-02T24:00:00Z",
    "2023-01-02T25:00:00Z",
    "2023-01-02T00:60:00Z",
    "2023-01-02T00:00:60Z",
    "2023-01-02T00:00:00.Z",
    "2023-01-02T00:00:00.1234567890Z",
    "2023-01-02T00:00:00+02",
    "2023-01-02T00:00:00+0200",
    "2023-01-02T00:00:00+24:00",
    "2023-01-02T00:00:00-01:60",
    "2023-01-02T00:00:00 Z",
    "2023-01-02T00:00:00Z\n",
    "+002023-01-02T00:00:00Z",
    "0000-12-31T23:59:59Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01"
  ])("%j is none", (text) => {
    assert.isTrue(Option.isNone(Timestamp.parse(text)))
  })

  it.prop(
    "reads what toString writes, and what toString writes has 0, 3, 6 or 9 digits",
    [
      Arbitrary.schema(
        Schema.BigInt.check(
          Schema.isBetweenBigInt({ minimum: -62_135_596_800n * 10n ** 9n, maximum: 253_402_300_799n * 10n ** 9n })
        )
      )
    ],
    ([nanos]) => {
      const text = at(nanos).toString()
      assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(\d{3}){1,3})?Z$/)
      assert.strictEqual(Option.getOrThrow(Timestamp.parse(text)).epochNanoseconds, nanos)
    }
  )
})

describe("Timestamp", () => {
  it("equal ones are equal", () => {
    assert.isTrue(Equal.equals(at(5n), at(5n)))
    assert.isFalse(Equal.equals(at(5n), at(6n)))
  })

  it.each([
    [0n, 0],
    [999_999n, 0],
    [1_000_000n, 1],
    [-1n, -1],
    [-1_000_000n, -1],
    [-1_000_001n, -2]
  ] as const)("%d ns are %d whole milliseconds", (nanos, millis) => {
    assert.strictEqual(at(nanos).epochMillis, millis)
  })

  it("comes from milliseconds and from a DateTime, and goes there without the digits beyond", () => {
    assert.strictEqual(Timestamp.fromMillis(-1.5).epochNanoseconds, -2_000_000n)
    const date = DateTime.makeUnsafe("2023-01-02T00:25:06.123Z")
    assert.strictEqual(Timestamp.fromDateTime(date).epochNanoseconds, 1_672_619_106_123_000_000n)
    assert.isTrue(Equal.equals(Timestamp.toDateTime(at(1_672_619_106_123_456_789n)), date))
  })

  it("is its text where it is printed, and in JSON", () => {
    assert.strictEqual(inspect({ at: at(1n) }), "{ at: 1970-01-01T00:00:00.000000001Z }")
    assert.strictEqual(JSON.stringify({ at: at(1n) }), '{"at":"1970-01-01T00:00:00.000000001Z"}')
  })

  it("has a form in RFC 3339 from year 1 to 9999", () => {
    assert.isTrue(Timestamp.isRfc3339(at(-62_135_596_800_000_000_000n)))
    assert.isFalse(Timestamp.isRfc3339(at(-62_135_596_800_000_000_001n)))
    assert.isTrue(Timestamp.isRfc3339(at(253_402_300_799_999_999_999n)))
    assert.isFalse(Timestamp.isRfc3339(at(253_402_300_800_000_000_000n)))
  })
})

describe("schemas", () => {
  it("TimestampSchema takes timestamps only", () => {
    const decode = Schema.decodeUnknownResult(Timestamp.TimestampSchema)
    assert.isTrue(Result.isSuccess(decode(at(1n))))
    assert.isTrue(Result.isFailure(decode("1970-01-01T00:00:00Z")))
    assert.isTrue(Result.isFailure(decode({ epochNanoseconds: 1n })))
  })

  it("AsDateTime goes to the millisecond and back", () => {
    const date = Schema.decodeUnknownSync(Timestamp.AsDateTime)(at(1_999_999n))
    assert.strictEqual(DateTime.toEpochMillis(date), 1)
    assert.strictEqual(Schema.encodeSync(Timestamp.AsDateTime)(date).epochNanoseconds, 1_000_000n)
  })
})
