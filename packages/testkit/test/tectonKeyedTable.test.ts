/** What was ingested and can be read no more is forgotten. */
import { assert, describe, it } from "@effect/vitest"
import { KeyedTable } from "../src/internal/features/keyedTable.ts"

describe("a table of keys", () => {
  it("forgets what is over, so that keys that never come again do not pile up", () => {
    const table = new KeyedTable<{ readonly at: number }>()
    const reach = 100
    for (let now = 0; now < 20_000; now++) {
      table.getOrMake(
        [String(now)],
        () => ({ at: now }),
        ({ at }) => at < now - reach
      )
    }
    const held = Array.from({ length: 20_000 }, (_, n) => table.get([String(n)])).filter((one) => one !== undefined)
    assert.isAtMost(held.length, 4 * reach)
    for (let n = 20_000 - reach; n < 20_000; n++) assert.deepStrictEqual(table.get([String(n)]), { at: n })
  })

  it("keeps what is not over, and gives it again", () => {
    const table = new KeyedTable<{ readonly n: number }>()
    const make = (n: number) =>
      table.getOrMake(
        [String(n)],
        () => ({ n }),
        () => false
      )
    const first = make(0)
    for (let n = 1; n < 1_000; n++) make(n)
    assert.strictEqual(make(0), first)
  })
})
