/**
 * A port that speaks HTTP/1.1 and HTTP/2 without TLS. A client of HTTP/2 that knows beforehand what it talks to begins
 * with a preface that no request of HTTP/1.1 can begin with; as soon as the bytes tell, the connection is handed over
 * with all of them.
 */
import { Buffer } from "node:buffer"
import { createServer, type Socket } from "node:net"
import { portOf } from "./http.ts"

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

/** As long as Node waits for the head of a request. */
const firstBytesMillis = 60_000

export interface Protocols {
  readonly http1: (socket: Socket) => void
  readonly http2: (socket: Socket) => void
}

export interface Port {
  readonly url: string
  /** Listens no more, and ends every connection. */
  readonly close: () => Promise<void>
}

/** Starts to listen on a free port of 127.0.0.1. */
export const listen = (protocols: Protocols): Promise<Port> =>
  new Promise((resolve, reject) => {
    const open = new Set<Socket>()
    const server = createServer({ noDelay: true }, (socket) => {
      open.add(socket)
      socket.once("close", () => open.delete(socket))
      tellApart(socket, protocols)
    })
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () =>
      resolve({
        url: `http://127.0.0.1:${portOf(server.address())}`,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed())
            for (const socket of open) socket.destroy()
          })
      })
    )
  })

const tellApart = (socket: Socket, { http1, http2 }: Protocols): void => {
  let seen: Buffer = Buffer.alloc(0)
  const end = (): void => {
    socket.destroy()
  }
  const onReadable = (): void => {
    const chunk: unknown = socket.read()
    if (!Buffer.isBuffer(chunk)) return
    seen = Buffer.concat([seen, chunk])
    const length = Math.min(seen.length, preface.length)
    const isPreface = seen.subarray(0, length).equals(preface.subarray(0, length))
    if (isPreface && length < preface.length) return
    socket.off("readable", onReadable).off("error", end).off("end", end)
    socket.setTimeout(0)
    socket.off("timeout", end)
    socket.unshift(seen)
    if (isPreface) http2(socket)
    else http1(socket)
  }
  socket.setTimeout(firstBytesMillis).once("timeout", end)
  socket.once("error", end).once("end", end)
  socket.on("readable", onReadable)
}
