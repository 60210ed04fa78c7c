/** Clients of four versions at work at once: no write is lost, and no call sees half of another. */
import { PineconeEmulator } from "@effect-connectors/testkit"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import { clients, type Index } from "./clientsSupport.ts"

const versions = ["9.0.0", "8.2.0", "7.2.0", "6.1.4"]
const dimension = 32
const rounds = 6
const perRound = 20

/** Records that say in their numbers and in their metadata which write made them. */
const stamped = (ids: ReadonlyArray<string>, client: number, round: number) =>
  ids.map((id) => ({
    id,
    values: Array.from({ length: dimension }, (_, at) => stamp(client, round) + at),
    metadata: { client, round }
  }))

const stamp = (client: number, round: number): number => 1 + client * 1_000 + round * 100

const sharedIds = Arr.makeBy(10, (at) => `shared-${at}`)
const ownIds = (client: number, round: number) => Arr.makeBy(perRound, (at) => `own-${client}-${round}-${at}`)

const read = async (index: Index, ids: ReadonlyArray<string>) => {
  const { records } = await index.fetch({ ids: [...ids] })
  return ids.map((id) => ({ id, values: records[id]?.values, metadata: records[id]?.metadata }))
}

const checkOwn = async (index: Index, client: number, round: number): Promise<void> => {
  const ids = ownIds(client, round)
  assert.deepStrictEqual(await read(index, ids), stamped(ids, client, round))
}

/** Every write writes all of them, so all have to be of one; tells whose. */
const checkShared = async (index: Index): Promise<number> => {
  const records = await read(index, sharedIds)
  const [client, round] = [Number(records[0]?.metadata?.["client"]), Number(records[0]?.metadata?.["round"])]
  assert.deepStrictEqual(records, stamped(sharedIds, client, round))
  return client
}

describe("64 clients at once", () => {
  it.live("lose and tear no write", () =>
    Effect.gen(function* () {
      const emulator = yield* PineconeEmulator.make()
      yield* emulator.createIndex({ name: "busy", dimension })
      const indexes = Arr.makeBy(64, (client) =>
        clients[versions[client % versions.length]!]!(emulator.url).index("busy", "all")
      )
      const seen = yield* Effect.promise(() =>
        Promise.all(
          indexes.map(async (index, client) => {
            const winners: Array<number> = []
            for (let round = 0; round < rounds; round++) {
              await Promise.all([
                index.upsert({ records: stamped(ownIds(client, round), client, round) }),
                index.upsert({ records: stamped(sharedIds, client, round) })
              ])
              await checkOwn(index, client, round)
              winners.push(await checkShared(index))
            }
            return winners
          })
        )
      )
      // Did they meet? Then readers saw the writes of others.
      const ofOthers = seen.flatMap((winners, client) => winners.filter((winner) => winner !== client))
      assert.isAbove(ofOthers.length, indexes.length)

      yield* Effect.promise(async () => {
        for (const client of indexes.keys()) {
          for (let round = 0; round < rounds; round++) await checkOwn(indexes[0], client, round)
        }
        await checkShared(indexes[0])
        const stats = await indexes[0].describeIndexStats()
        assert.strictEqual(stats.totalRecordCount, indexes.length * rounds * perRound + sharedIds.length)
      })
    })
  )
})
