/** A server that says in its answers all it was sent, keys included, as some proxies and gateways do. */
import * as Effect from "effect/Effect"
import * as http from "node:http"
import type { AddressInfo } from "node:net"

export interface Echo {
  readonly url: string
  /** How many requests had a secret in their head or body. */
  readonly keysSeen: () => number
}

export const echoing = (status: number, secrets: ReadonlyArray<string>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Echo & { readonly close: () => void }>((resume) => {
        let keysSeen = 0
        const server = http.createServer((request, response) => {
          const parts: Array<Buffer> = []
          request.on("data", (part: Buffer) => parts.push(part))
          request.on("end", () => {
            const said = `${request.url} ${JSON.stringify(request.headers)} ${Buffer.concat(parts).toString()}`
            const authorization = request.headers["authorization"] ?? ""
            const [scheme = "", credentials = ""] = authorization.split(" ")
            const decoded = scheme === "Basic" ? Buffer.from(credentials, "base64").toString() : ""
            if (secrets.some((secret) => `${said} ${decoded}`.includes(secret))) keysSeen++
            const message = `refused: ${said} ${decoded}`
            response.writeHead(status, {
              "content-type": "application/json",
              "x-pinecone-request-id": String(request.headers["api-key"] ?? authorization).slice(0, 200),
              location: `http://127.0.0.1:1/?key=${String(request.headers["api-key"] ?? authorization)}`
            })
            response.end(JSON.stringify({ code: 3, message, error: message, access_token: 5, vectors: message }))
          })
        })
        server.listen(0, "127.0.0.1", () =>
          resume(
            Effect.succeed({
              url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
              keysSeen: () => keysSeen,
              close: () => {
                server.closeAllConnections()
                server.close()
              }
            })
          )
        )
      }),
      ({ close }) => Effect.sync(close)
    ),
    ({ keysSeen, url }): Echo => ({ keysSeen, url })
  )
