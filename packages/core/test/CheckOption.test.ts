import * as CheckOption from "@effect-connectors/core/CheckOption"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"

describe("CheckOption", () => {
  it("takes what is left out, and whole numbers in range", () => {
    for (const value of [undefined, 1, 10]) assert.isUndefined(CheckOption.range("n", value, 10))
    for (const value of [0, 11, 1.5, NaN, -1]) {
      assert.include(
        CheckOption.range("n", value, 10)?.message,
        `option n is ${value}; it must be a whole number from 1 to 10`
      )
    }
    assert.include(CheckOption.range("n", 0)?.message, "of 1 or more")
  })

  it("takes times of zero or more", () => {
    for (const value of [undefined, 0, "1 second", Duration.infinity] as const) {
      assert.isUndefined(CheckOption.duration("t", value))
    }
    assert.include(CheckOption.duration("t", -1)?.message, "option t is -1; it must be a time of zero or more")
    // @ts-expect-error a caller without types may give anything
    assert.include(CheckOption.duration("t", "soon")?.message, 'is "soon"')
  })
})
