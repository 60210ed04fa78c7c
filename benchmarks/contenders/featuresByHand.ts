/**
 * What one would write without this project: `fetch` in a pool of promises. By the setting `operation` it reads features
 * into objects, in order and by name, with what was asked beside each value; or it ingests. It checks nothing.
 */
import { click, featuresOf, users } from "../featureRows.ts"
import { contend } from "./contend.ts"

interface Reply {
  readonly result: ReadonlyArray<{ readonly features: ReadonlyArray<unknown> }>
  readonly metadata: {
    readonly features: ReadonlyArray<{
      readonly name: string
      readonly effectiveTime: string
      readonly status: ReadonlyArray<string>
    }>
  }
}

const headers = { authorization: "Tecton-key any", "content-type": "application/json", accept: "application/json" }

const post = async (url: string, body: unknown): Promise<string> => {
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`HTTP ${response.status}`)
  return response.text()
}

/** The pool: each worker takes the next batch when its last one is answered. */
const inBatches = async (count: number, batch: number, calls: number, call: (from: number) => Promise<void>) => {
  let next = 0
  const worker = async () => {
    while (next < count) {
      const from = next
      next += batch
      await call(from)
    }
  }
  await Promise.all(Array.from({ length: calls }, worker))
}

await contend(async ({ addresses, at, settings }) => {
  const url = addresses[String(at["latencyMillis"])] ?? ""
  const batch = Number(at["batch"])
  const calls = Number(at["concurrency"])
  if (settings["operation"] === "ingest") {
    return {
      run: async (count) => {
        const records = users(count).map(click)
        await inBatches(count, batch, calls, async (from) => {
          const clicks = records.slice(from, from + batch).map((record) => ({ record }))
          JSON.parse(await post(`${url}/ingest`, { workspace_name: "prod", dry_run: false, records: { clicks } }))
        })
      }
    }
  }
  const features = featuresOf(Number(at["features"]))
  const metadataOptions = {
    includeNames: true,
    ...(at["types"] === "in replies" ? { includeDataTypes: true } : {}),
    includeEffectiveTimes: true,
    includeServingStatus: true
  }
  return {
    run: async (count) => {
      const all = users(count)
      const rows: Array<Record<string, unknown>> = []
      await inBatches(count, batch, calls, async (from) => {
        const requestData = all.slice(from, from + batch).map((user_id) => ({ joinKeyMap: { user_id } }))
        const reply: Reply = JSON.parse(
          await post(`${url}/api/v1/feature-service/get-features-batch`, {
            params: {
              featureServiceName: String(features.length),
              workspaceName: "prod",
              requestData,
              metadataOptions
            }
          })
        )
        const columns = reply.metadata.features
        reply.result.forEach((vector, i) => {
          const row: Record<string, unknown> = {}
          for (let j = 0; j < columns.length; j++) {
            const { effectiveTime, name, status } = columns[j]!
            const value = vector.features[j]
            row[name] = {
              value: typeof value === "string" && features[j]?.type === "int64" ? BigInt(value) : value,
              status: status[i],
              effectiveTime
            }
          }
          rows[from + i] = row
        })
      })
      if (rows.length !== count) throw new Error(`${rows.length} of ${count} rows were read`)
    }
  }
})
