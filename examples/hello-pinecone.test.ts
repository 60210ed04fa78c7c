import { assert, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import * as path from "node:path"
import { promisify } from "node:util"

it("hello-pinecone prints the nearest records with their scores", async () => {
  const file = path.join(import.meta.dirname, "hello-pinecone.ts")
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@effect-connectors/source", file])
  assert.strictEqual(stdout, "lime is like lemon: 0.997\nlime is like cherry: 0.562\n")
})
