/** Writes batches of ten records into the directory it is given, and says the number of each one answered, for ever. */
import { writeSync } from "node:fs"
import * as Result from "effect/Result"
import * as Persistence from "../src/internal/emulator/persistence.ts"
import { make, ok } from "./storeSupport.ts"

const persistence = Result.getOrThrow(Persistence.open(process.argv[2]!))
persistence.saveIndex("i", "{}")
const store = make({ onCommit: (commit) => persistence.write("i", commit) })
for (let batch = 0; ; batch++) {
  const record = (n: number) => ({ id: `${batch}-${n}`, values: [1, n], metadata: { batch } })
  ok(store.upsert({ records: [record(0), ...Array.from({ length: 9 }, (_, n) => record(n + 1))] }))
  writeSync(1, `${batch}\n`)
}
