/**
 * A model of a job on many runners: how long it takes when calls take a time, runners have a limit, a quota and a storage are
 * shared by all, and runners die.
 *
 * Records are a fluid. Partitions that are worked on on a runner share what it can do, all together share the quota, and time
 * goes from one event to the next: a partition ends, some are dispatched, a runner dies, is replaced, or is back.
 */

export interface Load {
  readonly records: number
  readonly partitions: number
  /** Records of a call. */
  readonly batch: number
}

export interface Runners {
  readonly count: number
  /** Partitions at a time on one runner. */
  readonly concurrency: number
  /** Calls in flight of one partition. */
  readonly inFlight: number
  /** What one runner can read, make and encode, whatever the store takes. */
  readonly recordsPerSecond: number
  /** How long one lives, on average. */
  readonly lifeSeconds: number
  /** How long until it is back. */
  readonly restartSeconds: number
}

export interface Limits {
  readonly callSeconds: number
  /** What the store takes of all runners together. */
  readonly recordsPerSecond: number
}

export interface Engine {
  /** What runners share partitions by: each has an equal part of the shards, and partitions fall on shards by chance. */
  readonly shards: number
  readonly dispatchedPerSecond: number
  readonly failoverSeconds: number
  /** What the storage takes. */
  readonly transactionsPerSecond: number
  /** Ledger and shared rates. */
  readonly transactionsPerCall: number
}

export interface Model {
  readonly load: Load
  readonly runners: Runners
  readonly limits: Limits
  readonly engine: Engine
}

export interface Prediction {
  readonly seconds: number
  /** Sent again after a runner died. */
  readonly resent: number
  readonly deaths: number
  /** The part of the limits of store and storage that was used, on average. */
  readonly used: number
}

interface Runner {
  alive: boolean
  /** When it dies, or is back. */
  turn: number
  /** Records that are left of the partitions it works on, and of those that wait. */
  readonly active: Array<number>
  readonly waiting: Array<number>
}

/** What is on its way to other runners since its own has died. */
interface Orphans {
  readonly at: number
  readonly partitions: ReadonlyArray<number>
}

/** Less is nothing: what rounding leaves of a record. */
const nothing = 1e-6

export const simulate = (model: Model, random: () => number): Prediction => {
  const { engine, limits, load, runners: of } = model
  const lasting = (seconds: number) => -Math.log(1 - random()) * seconds
  const perPartition = (of.inFlight * load.batch) / limits.callSeconds
  const cap = Math.min(
    limits.recordsPerSecond,
    (engine.transactionsPerSecond / engine.transactionsPerCall) * load.batch
  )

  const runners = Array.from({ length: of.count }, (): Runner => ({
    alive: true,
    turn: lasting(of.lifeSeconds),
    active: [],
    waiting: []
  }))
  const place = (left: number): boolean => {
    const alive = runners.filter(({ alive }) => alive)
    // Each runner has whole shards, so some have one more than others.
    const shard = Math.floor(random() * engine.shards)
    const runner = alive[shard % alive.length]
    runner?.waiting.push(left)
    return runner !== undefined
  }
  const begin = () => {
    for (const { active, alive, waiting } of runners) {
      while (alive && active.length < of.concurrency) {
        const next = waiting.pop()
        if (next === undefined) break
        active.push(next)
      }
    }
  }

  let now = 0
  let done = 0
  let dispatched = 0
  let orphans: ReadonlyArray<Orphans> = []
  const total = { ended: 0, resent: 0, deaths: 0 }

  while (total.ended < load.partitions) {
    const due = Math.min(load.partitions, Math.floor(now * engine.dispatchedPerSecond) + 1)
    while (dispatched < due && place(load.records / load.partitions)) dispatched++
    begin()

    const wanted = runners.map(({ active }) => Math.min(active.length * perPartition, of.recordsPerSecond))
    const sum = wanted.reduce((sum, one) => sum + one, 0)
    const scale = sum > cap ? cap / sum : 1
    const speed = (runner: number) => ((wanted[runner] ?? 0) * scale) / (runners[runner]?.active.length ?? 1)

    let step = Infinity
    runners.forEach(({ active, turn }, i) => {
      step = Math.min(step, turn - now)
      for (const left of active) step = Math.min(step, left / speed(i))
    })
    for (const { at } of orphans) step = Math.min(step, at - now)
    if (dispatched < load.partitions) step = Math.min(step, dispatched / engine.dispatchedPerSecond - now + nothing)
    step = Math.max(step, 0)
    now += step
    done += sum * scale * step

    runners.forEach((runner, i) => {
      const moved = speed(i) * step
      for (let p = runner.active.length - 1; p >= 0; p--) {
        const left = (runner.active[p] ?? 0) - moved
        runner.active[p] = left
        if (left > nothing) continue
        runner.active.splice(p, 1)
        total.ended++
      }
    })

    for (const runner of runners) {
      if (runner.turn > now) continue
      runner.alive = !runner.alive
      if (runner.alive) {
        runner.turn = now + lasting(of.lifeSeconds)
        takeShare(runner, runners)
        continue
      }
      runner.turn = now + of.restartSeconds
      total.deaths++
      const again = of.inFlight * load.batch
      total.resent += again * runner.active.length
      const partitions = [...runner.waiting.splice(0), ...runner.active.splice(0).map((left) => left + again)]
      orphans = [...orphans, { at: now + engine.failoverSeconds, partitions }]
    }
    const late: Array<Orphans> = []
    for (const one of orphans) {
      const isPlaced = one.at <= now + nothing && runners.some(({ alive }) => alive)
      if (isPlaced) one.partitions.forEach(place)
      else late.push(one.at > now ? one : { ...one, at: now + of.restartSeconds })
    }
    orphans = late
  }
  return { seconds: now, resent: total.resent, deaths: total.deaths, used: done / now / cap }
}

/** A runner that is back gets as many shards as the others, with what waits in them. */
const takeShare = (runner: Runner, runners: ReadonlyArray<Runner>): void => {
  const alive = runners.filter(({ alive }) => alive).length
  for (const other of runners) {
    if (other === runner || !other.alive) continue
    runner.waiting.push(...other.waiting.splice(0, Math.floor(other.waiting.length / alive)))
  }
}
