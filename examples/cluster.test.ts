import { assert, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as path from "node:path"
import { text } from "node:stream/consumers"

describe("cluster", () => {
  it("loads every text although a runner is killed in the middle of a call", async ({ onTestFinished }) => {
    const child = spawn(
      process.execPath,
      [
        "--conditions=@effect-connectors/source",
        path.join(import.meta.dirname, "cluster/main.ts"),
        ...["--json", "--limit", "8000", "--size", "500"]
      ],
      { stdio: ["ignore", "pipe", "pipe"] }
    )
    onTestFinished(() => {
      child.kill("SIGTERM")
    })
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")])
    assert.strictEqual(code, 0, stderr)
    const { outcomes, resent, ...result } = JSON.parse(stdout)
    assert.deepStrictEqual(result, {
      partitions: 16,
      completed: 16,
      runners: 3,
      killed: 1,
      records: 8000,
      missing: 0,
      different: 0,
      extra: 0
    })
    assert.strictEqual(outcomes.before + outcomes.written, 8000)
    assert.isAbove(resent, 0)
  })
})
