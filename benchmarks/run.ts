/** Runs a suite: its contenders in turn, each round in fresh processes, against a server in another one. */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as path from "node:path"
import { start } from "./child.ts"
import { Answer, type Job, Ready } from "./job.ts"
import { machine } from "./machine.ts"
import type { Result, Row } from "./result.ts"
import { ratios, rounded, spread } from "./statistics.ts"
import type { Contender, Group, Point, Server, Suite } from "./suite.ts"

export interface Options {
  readonly smoke: boolean
  /** Each contender's turns at a point.
   *
   * @default 5
   */
  readonly rounds?: number | undefined
  /** Take a CPU profile of each contender at the first point of the first group, in one round, into this directory. */
  readonly profile?: string | undefined
  /** Told what runs now. */
  readonly progress?: ((line: string) => Effect.Effect<void>) | undefined
}

/**
 * Servers share two cores with contenders. What they receive is garbage at once, and with small heaps they would spend half
 * of their time collecting it.
 */
const serverHeap = ["--min-semi-space-size=16", "--initial-old-space-size=512"]

const startServer = Effect.fnUntraced(function* (server: Server) {
  const child = yield* start(
    path.resolve(import.meta.dirname, "servers", server.program),
    server.settings ?? {},
    serverHeap
  )
  const { addresses } = yield* child.next(Ready)
  return addresses
})

/** Starts what serves all groups that name it, so that it is warm for every contender. */
const startShared = (groups: ReadonlyArray<Group>) =>
  Effect.gen(function* () {
    const shared = new Map<string, Job["addresses"]>()
    for (const { server } of groups) {
      if (server === undefined || server.fresh === true || shared.has(JSON.stringify(server))) continue
      shared.set(JSON.stringify(server), yield* startServer(server))
    }
    return (server: Server | undefined) =>
      server === undefined
        ? Effect.succeed({})
        : Effect.suspend(() => {
            const addresses = shared.get(JSON.stringify(server))
            return addresses === undefined ? startServer(server) : Effect.succeed(addresses)
          })
  })

const jobOf = (contender: Contender, points: ReadonlyArray<Point>, addresses: Job["addresses"]): Job => ({
  settings: contender.settings ?? {},
  addresses,
  points: points.map(({ amount, at }) => ({ at, ...(typeof amount === "function" ? amount(contender) : amount) }))
})

const fileName = (text: string): string => text.replace(/[^A-Za-z0-9]+/g, "-")

/** `ABC`, `BCA`, `CAB`, ...: nobody is always first. */
const rotated = <A>(array: ReadonlyArray<A>, by: number): ReadonlyArray<A> => {
  const at = by % array.length
  return [...array.slice(at), ...array.slice(0, at)]
}

/** The answers of each contender, by round and point. */
type Answers = ReadonlyMap<Contender, ReadonlyArray<ReadonlyArray<Answer>>>

const runGroup = Effect.fnUntraced(function* (
  suite: Suite,
  group: Group,
  rounds: number,
  serverOf: Effect.Success<ReturnType<typeof startShared>>,
  { profile, progress = () => Effect.void }: Options
): Effect.fn.Return<Answers, Effect.Error<ReturnType<typeof turn>>> {
  const answers = new Map<Contender, Array<ReadonlyArray<Answer>>>()
  for (const contender of group.contenders) answers.set(contender, [])
  for (let round = 0; round < rounds; round++) {
    yield* progress(`${suite.name}: ${group.label}, round ${round + 1} of ${rounds}`)
    for (const contender of rotated(group.contenders, round)) {
      const name = `${fileName(`${suite.name} ${contender.name}`)}.cpuprofile`
      const profiling =
        profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", path.resolve(profile), "--cpu-prof-name", name]
      answers.get(contender)?.push(yield* turn(group, contender, serverOf, profiling))
    }
  }
  return answers
})

/** One contender, once, at every point of its group. */
const turn = Effect.fnUntraced(function* (
  group: Group,
  contender: Contender,
  serverOf: Effect.Success<ReturnType<typeof startShared>>,
  nodeOptions: ReadonlyArray<string>
) {
  const job = jobOf(contender, group.points, yield* serverOf(group.server))
  const child = yield* start(path.resolve(import.meta.dirname, "contenders", contender.program), job, [
    "--expose-gc",
    ...nodeOptions
  ])
  const answers = yield* Effect.forEach(group.points, () => child.next(Answer))
  yield* child.exited
  return answers
}, Effect.scoped)

/** What one contender measured at one point, a value a round where there is one. */
const rowOf = (group: Group, at: number, answers: Answers, contender: Contender): Row => {
  const answersOf = (one: Contender) => (answers.get(one) ?? []).map((round) => round[at])
  const measured = (one: Contender) =>
    answersOf(one).map((answer) => (answer === undefined || "unable" in answer ? undefined : answer))
  const mine = measured(contender)
  const perSecond = (one: (typeof mine)[number]) => one && one.records / one.seconds
  const baseline = group.contenders.find(({ baseline }) => baseline === true)
  const present = mine.flatMap((one) => (one === undefined ? [] : [one]))
  const each = (value: (one: (typeof present)[number]) => number | undefined) =>
    spread(present.flatMap((one) => value(one) ?? []))
  const extras = new Set(present.flatMap(({ extra }) => Object.keys(extra ?? {})))
  const extra = Object.fromEntries(
    [...extras].flatMap((name) => {
      const values = each((one) => one.extra?.[name])
      return values === undefined ? [] : [[name, values]]
    })
  )
  const figures = {
    perSecond: each(perSecond),
    ratio: baseline === undefined ? undefined : spread(ratios(mine.map(perSecond), measured(baseline).map(perSecond))),
    cpuMicros: each(({ cpuSeconds, records }) => (cpuSeconds * 1e6) / records),
    // The peak is the process's up to now, so it is that of its first point alone.
    peakBytes: at === 0 ? each(({ peakBytes }) => peakBytes) : undefined,
    p50Millis: each(({ p50Millis }) => p50Millis),
    p99Millis: each(({ p99Millis }) => p99Millis),
    extra: extras.size === 0 ? undefined : extra
  }
  const unable = answersOf(contender).find((answer) => answer !== undefined && "unable" in answer)
  const note = unable !== undefined && "unable" in unable ? unable.unable : present.find(({ note }) => note)?.note
  const given = <A extends object>(object: A) =>
    Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
  return {
    contender: contender.name,
    point: group.points[at]?.at ?? {},
    baseline: contender === baseline,
    rounds: present.length,
    ...given(figures),
    ...(note === undefined ? {} : { note })
  }
}

const atFirstPoint = (group: Group): Group => ({ ...group, points: group.points.slice(0, 1) })

/** Runs a suite. */
export const run = Effect.fnUntraced(function* (suite: Suite, options: Options) {
  const begin = yield* Clock.currentTimeMillis
  const measuredAt = DateTime.formatIso(yield* DateTime.now)
  const plan = suite.plan({ smoke: options.smoke })
  const groups = options.profile === undefined ? plan.groups : plan.groups.slice(0, 1).map(atFirstPoint)
  const rounds = options.smoke || options.profile !== undefined ? 1 : (options.rounds ?? 5)
  const serverOf = yield* startShared(groups)
  const rows: Array<Row> = []
  for (const group of groups) {
    const answers = yield* runGroup(suite, group, rounds, serverOf, options)
    group.points.forEach((_, at) => {
      for (const contender of group.contenders) rows.push(rowOf(group, at, answers, contender))
    })
  }
  const result: Result = {
    suite: suite.name,
    title: suite.title,
    method: suite.method,
    measuredAt,
    seconds: rounded(((yield* Clock.currentTimeMillis) - begin) / 1000),
    smoke: options.smoke,
    machine: machine(),
    rows,
    // What must hold is said of the whole grid.
    bars: options.profile === undefined ? plan.bars(rows) : []
  }
  return result
}, Effect.scoped)
