/** The program `tecton-emulator`, as its users start it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { started, temporary, urlOf } from "./programSupport.ts"
import * as fs from "node:fs"
import * as path from "node:path"

const program = "tectonEmulator.ts"

const yaml = `# A shop.
workspaces:
  shop:
    entities:
      customer: { customer_id: int64 }
    sources:
      orders:
        timestamp: at
        schema:
          customer_id: int64
          at: timestamp
          price: float64
    views:
      spent:
        type: aggregate
        source: orders
        entities: [customer]
        features:
          sum_1d: { function: sum, column: price, window: 1 day }
    services:
      customers:
        features: [spent]
accounts:
  - apiKey: writer
    roles: { shop: editor }
`

const asJson = {
  workspaces: {
    shop: {
      entities: { customer: { customer_id: "int64" } },
      sources: {
        orders: { timestamp: "at", schema: { customer_id: "int64", at: "timestamp", price: "float64" } }
      },
      views: {
        spent: {
          type: "aggregate",
          source: "orders",
          entities: ["customer"],
          features: { sum_1d: { function: "sum", column: "price", window: "1 day" } }
        }
      },
      services: { customers: { features: ["spent"] } }
    }
  },
  accounts: [{ apiKey: "writer", roles: { shop: "editor" } }]
}

const post = (url: string, body: object, key: string) =>
  Effect.promise(async () => {
    const headers = { authorization: `Tecton-key ${key}` }
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })
    return response.text()
  })

describe("tecton-emulator", () => {
  it.effect.each(["SIGTERM", "SIGINT"] as const)("says where it is, serves the sample, and ends at %s", (signal) =>
    Effect.gen(function* () {
      const emulator = yield* started(program, "--port", "0", "--latency", "1", "--concurrency-limit", "1")
      const line = yield* emulator.firstLine
      assert.match(line, /^\{"url":"http:\/\/127\.0\.0\.1:\d+"\}$/)
      const params = { workspaceName: "prod", featureServiceName: "fraud", joinKeyMap: { user_id: "u" } }
      const read = post(`${urlOf(line)}/api/v1/feature-service/get-features`, { params }, "any")
      assert.strictEqual(yield* read, `{"result":{"features":[null,null,null,null,null]}}`)
      const requestData = [params, params]
      const batch = { params: { workspaceName: "prod", featureServiceName: "fraud", requestData } }
      assert.include(
        yield* post(`${urlOf(line)}/api/v1/feature-service/get-features-batch`, batch, "any"),
        "exceeded the concurrent request limit"
      )
      assert.strictEqual(yield* emulator.end(signal), 0)
    })
  )

  it.effect.each([
    ["shop.yaml", yaml],
    ["shop.yml", yaml],
    ["shop.json", JSON.stringify(asJson)]
  ] as const)("serves what %s defines", ([name, text]) =>
    Effect.gen(function* () {
      const file = path.join(yield* temporary, name)
      fs.writeFileSync(file, text)
      const emulator = yield* started(program, "--port", "0", "--definition", file)
      const url = urlOf(yield* emulator.firstLine)
      const params = { workspaceName: "shop", featureServiceName: "customers" }
      assert.include(yield* post(`${url}/api/v1/feature-service/metadata`, { params }, "other"), `"code":7`)
      assert.strictEqual(
        yield* post(`${url}/api/v1/feature-service/metadata`, { params }, "writer"),
        `{"featureServiceType":"DEFAULT","inputJoinKeys":[{"name":"customer_id","dataType":{"type":"int64"}}],` +
          `"featureValues":[{"name":"spent.sum_1d","dataType":{"type":"float64"}}]}`
      )
    })
  )

  it.effect("lets in the keys it is given, and serves what a file assumes", () =>
    Effect.gen(function* () {
      const file = path.join(yield* temporary, "more.yaml")
      fs.writeFileSync(file, `${yaml}\nassumptions: { unknownServiceStatus: 404 }\ntokenLifetime: 10 minutes\n`)
      const args = ["--port", "0", "--definition", file, "--api-key", "mine-1", "--api-key", "mine-2"]
      const emulator = yield* started(program, ...args)
      const url = `${urlOf(yield* emulator.firstLine)}/api/v1/feature-service/metadata`
      const params = { workspaceName: "shop", featureServiceName: "nobody" }
      for (const key of ["mine-1", "mine-2", "writer"]) assert.include(yield* post(url, { params }, key), `"code":5`)
      assert.include(yield* post(url, { params }, "other"), `"code":7`)
    })
  )

  it.effect.each([
    ["shop.toml", ".json, .yaml or .yml", ""],
    ["shop.json", "JSON", "{"],
    ["shop.yaml", "shop.yaml: ", "workspaces: ["],
    ["shop.json", `["workspaces"]`, "{}"],
    ["shop.yaml", `reads the source "sales", which is not defined`, yaml.replace("source: orders", "source: sales")],
    ["shop.yaml", `["accounts"]`, yaml.replace("editor", "boss")],
    ["shop.yaml", `["assumptions"]`, `${yaml}\nassumptions: { recordErrorsStatus: 200 }\n`],
    ["shop.yaml", "a time above zero", `${yaml}\nserverTimeout: soon\n`]
  ] as const)("says in a line what is wrong with %s: %s", ([name, expected, text]) =>
    Effect.gen(function* () {
      const file = path.join(yield* temporary, name)
      fs.writeFileSync(file, text)
      const emulator = yield* started(program, "--port", "0", "--definition", file)
      assert.strictEqual(yield* emulator.end(), 1)
      assert.include(emulator.stderr(), expected)
      assert.isAtMost(emulator.stderr().trim().split("\n").length, 2)
      assert.notInclude(emulator.stderr(), "    at ")
    })
  )

  it.effect.each([
    ["--definition", "/nowhere.json"],
    ["--port", "70000"],
    ["--latency", "-1"],
    ["--concurrency-limit", "0"]
  ] as const)("refuses %s %s", ([flag, value]) =>
    Effect.gen(function* () {
      const emulator = yield* started(program, "--port", "0", `${flag}=${value}`)
      assert.strictEqual(yield* emulator.end(), 1)
      assert.isNotEmpty(emulator.stderr())
      assert.notInclude(emulator.stderr(), "    at ")
    })
  )
})
