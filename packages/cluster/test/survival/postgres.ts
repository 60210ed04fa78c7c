/** A PostgreSQL server of its own for a test, from what is installed. */
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { connect, createServer } from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import * as Processes from "./processes.ts"

const debian = "/usr/lib/postgresql"

/** Where `initdb` and `postgres` are, the newest of Debian's or what is on the path. */
const binaries = (): string | undefined => {
  const versions = fs.existsSync(debian) ? fs.readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : []
  const onPath = (process.env["PATH"] ?? "").split(path.delimiter)
  return [...versions.map((version) => path.join(debian, version, "bin")), ...onPath].find((directory) =>
    ["initdb", "postgres"].every((program) => fs.existsSync(path.join(directory, program)))
  )
}

export const installed = binaries()

/** The server refuses to run as root, so then it is another user's. */
const user = (): { readonly uid?: number; readonly gid?: number } => {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string, name: string) => {
    const { status, stdout } = spawnSync("id", [flag, name], { encoding: "utf8" })
    return status === 0 ? Number(stdout) : undefined
  }
  const name = id("-u", "postgres") === undefined ? "nobody" : "postgres"
  const uid = id("-u", name)
  const gid = id("-g", name)
  return uid === undefined || gid === undefined ? {} : { uid, gid }
}

/** A port that is free now. */
export const freePort = Effect.promise(async () => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === "object" && address !== null ? address.port : 0
})

const pause = Effect.sleep("50 millis")

/** Whether somebody listens at a port. */
const isOpen = (port: number) =>
  Effect.callback<boolean>((resume) => {
    const socket = connect(port, "127.0.0.1")
    const answer = (isOpen: boolean) => {
      socket.destroy()
      resume(Effect.succeed(isOpen))
    }
    socket.once("connect", () => answer(true)).once("error", () => answer(false))
  })

/** The processes that a process has started, and itself. */
const family = (pid: number): ReadonlyArray<number> => [
  pid,
  ...fs
    .readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter((child) => child !== "")
    .map(Number)
]

export const make = Effect.fnUntraced(function* (bin: string) {
  const as = user()
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const directory = fs.mkdtempSync(path.join(os.tmpdir(), "postgres-"))
      if (as.uid !== undefined && as.gid !== undefined) fs.chownSync(directory, as.uid, as.gid)
      return directory
    }),
    (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true, force: true }))
  )
  const data = path.join(directory, "data")
  const made = spawnSync(
    path.join(bin, "initdb"),
    ["--pgdata", data, "--username", "jobs", "--auth", "trust", "--no-sync", "--locale", "C", "--encoding", "UTF8"],
    { ...as, cwd: directory, encoding: "utf8" }
  )
  if (made.status !== 0) return yield* Effect.die(new Error(`initdb: ${made.stderr}${made.error?.message ?? ""}`))
  const port = yield* freePort
  const log = fs.openSync(path.join(directory, "log"), "a")
  yield* Effect.addFinalizer(() => Effect.sync(() => fs.closeSync(log)))

  // What the server promises to keep when the machine dies is not what is tested.
  const options = ["fsync=off", "listen_addresses=127.0.0.1", `port=${port}`, `unix_socket_directories=${directory}`]
  const args = ["-D", data, ...options.flatMap((option) => ["-c", option])]
  const begin = Effect.gen(function* () {
    const server = yield* Processes.start(path.join(bin, "postgres"), args, {
      ...as,
      cwd: directory,
      stdio: ["ignore", log, log]
    })
    while (!(yield* isOpen(port))) {
      if (server.exitCode !== null) {
        return yield* Effect.die(new Error(fs.readFileSync(path.join(directory, "log"), "utf8")))
      }
      yield* pause
    }
    return server
  })
  const server = { now: yield* begin }

  return {
    url: (database: string) => `postgres://jobs@127.0.0.1:${port}/${database}`,
    /** The server drops everybody and is gone, as when its machine is rebooted. Gives what starts it again. */
    stop: Effect.as(
      Effect.suspend(() => Processes.end(server.now, "SIGINT")),
      Effect.map(begin, (begun) => {
        server.now = begun
      })
    ),
    /** No process of the server does anything, as when its disk or its network hangs. Gives what makes them go on. */
    hang: Effect.gen(function* () {
      const pids = family(server.now.pid ?? 0)
      const signal = (signal: NodeJS.Signals) =>
        Effect.sync(() => {
          for (const pid of pids) process.kill(pid, signal)
        })
      const goOn = yield* Effect.cached(signal("SIGCONT"))
      yield* Effect.addFinalizer(() => goOn)
      yield* signal("SIGSTOP")
      return goOn
    })
  }
})
