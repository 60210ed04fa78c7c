/** A PostgreSQL server of its own for a test, from what is installed. */
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
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

/** Whether the server's processes can be found, to be paused. */
export const canHang = fs.existsSync("/proc/self/task")

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

const pause = Effect.sleep("50 millis")

/** The processes that a process has started, and itself. */
const family = (pid: number): ReadonlyArray<number> => [
  pid,
  ...fs
    .readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter((child) => child !== "")
    .map(Number)
]

/** A directory of the server's user. */
const directory = Effect.acquireRelease(
  Effect.sync(() => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "postgres-"))
    const { gid, uid } = user()
    if (uid !== undefined && gid !== undefined) fs.chownSync(directory, uid, gid)
    return directory
  }),
  (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true, force: true }))
)

/** Runs a program as the server's user, to its end. */
const run = Effect.fnUntraced(function* (command: string, args: ReadonlyArray<string>, cwd: string) {
  const child = yield* Processes.start(command, args, { ...user(), cwd })
  yield* Processes.ended(child)
  if (child.exitCode !== 0) return yield* Effect.die(new Error(`${command} ended with ${child.exitCode}`))
}, Effect.scoped)

/** The data of a new server, to be copied. */
export const initialize = Effect.fnUntraced(function* (bin: string) {
  const parent = yield* directory
  const data = path.join(parent, "data")
  const options = ["--username", "jobs", "--auth", "trust", "--no-sync", "--locale", "C", "--encoding", "UTF8"]
  yield* run(path.join(bin, "initdb"), ["--pgdata", data, ...options], parent)
  return data
})

/** A server that starts with a copy of such data. */
export const make = Effect.fnUntraced(function* (bin: string, template: string) {
  const home = yield* directory
  const data = path.join(home, "data")
  yield* run("cp", ["--recursive", "--preserve=mode", template, data], home)
  const log = path.join(home, "log")
  const output = fs.openSync(log, "a")
  yield* Effect.addFinalizer(() => Effect.sync(() => fs.closeSync(output)))

  // What the server promises to keep when the machine dies is not what is tested.
  const options = ["fsync=off", "listen_addresses=", `unix_socket_directories=${home}`]
  const begin = Effect.gen(function* () {
    const before = fs.readFileSync(log, "utf8").length
    const server = yield* Processes.start(
      path.join(bin, "postgres"),
      ["-D", data, ...options.flatMap((option) => ["-c", option])],
      { ...user(), cwd: home, stdio: ["ignore", output, output] }
    )
    const said = Effect.sync(() => fs.readFileSync(log, "utf8").slice(before))
    while (!(yield* said).includes("ready to accept connections")) {
      if (server.exitCode !== null) return yield* Effect.die(new Error(yield* said))
      yield* pause
    }
    return server
  })
  const server = { now: yield* begin }

  return {
    url: `postgres://jobs@localhost/postgres?host=${encodeURIComponent(home)}`,
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
