/** What was ingested and can be read no more is forgotten. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as AggregateView from "../src/internal/features/aggregateView.ts"
import { defaults } from "../src/internal/features/assumptions.ts"
import * as AttributeView from "../src/internal/features/attributeView.ts"
import { compile } from "../src/internal/features/compile.ts"
import { KeyedTable } from "../src/internal/features/keyedTable.ts"
import type { ViewModel } from "../src/internal/features/model.ts"
import type { StoredView } from "../src/internal/features/storedView.ts"
import { definition } from "./tectonSupport.ts"

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

describe("a view under a moving clock", () => {
  const { views } = Result.getOrThrow(compile(definition))
  const made = (view: ViewModel | undefined): StoredView => {
    assert(view !== undefined && view.type !== "realtime")
    return view.type === "attribute" ? AttributeView.make(view) : AggregateView.make(view, defaults)
  }
  const hour = 3_600_000_000_000n

  for (const [name, hours] of [
    // The ttl, and the longest window with 7 days.
    ["profile", 30 * 24],
    ["user_clicks", 8 * 24]
  ] as const) {
    it(`keeps the keys of ${name} that can be read, and few others`, () => {
      const view = made(views.get(name))
      const keys = 20 * hours
      for (let n = 0; n < keys; n++) view.write([`u${n}`], BigInt(n) * hour, new Map(), BigInt(n) * hour)
      const held = new Set(view.like([undefined]).map(([key]) => key))
      assert.isAtMost(held.size, 2 * hours + 64)
      for (let n = keys - hours; n < keys; n++) assert.isTrue(held.has(`u${n}`), `u${n}`)
    })
  }
})
