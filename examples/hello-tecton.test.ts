import { assert, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import * as path from "node:path"
import { promisify } from "node:util"

it("hello-tecton prints what is known of a user, and that nothing is known of another", async () => {
  const file = path.join(import.meta.dirname, "hello-tecton.ts")
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@effect-connectors/source", file])
  assert.match(
    stdout,
    /^ada \{\s+value: 1n,\s+status: 'PRESENT',[^}]*\}\neve \{\s+value: null,\s+status: 'MISSING_DATA',/
  )
})
