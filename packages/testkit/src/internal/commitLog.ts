/**
 * The two states of an index: what was written, which every write is checked against, and what reads see, which
 * may be some milliseconds behind. Without a delay they are one and the same.
 */
import { apply, type Change, type Commit, type Contents, type Make } from "./commit.ts"

export interface CommitLogOptions<C extends Contents> {
  readonly make: Make<C>
  /** Milliseconds until a write can be read. */
  readonly visibleAfter: number
  readonly now: () => number
  /** Told of a commit before it is applied; when it throws, the commit is not applied. */
  readonly onCommit: ((commit: Commit) => void) | undefined
  /** Commits of the past: applied at once, visible at once, and nobody is told. */
  readonly history: Iterable<Commit>
}

interface Pending {
  readonly visibleAt: number
  readonly commit: Commit
}

export class CommitLog<C extends Contents> {
  readonly #options: CommitLogOptions<C>
  readonly #written = new Map<string, C>()
  readonly #visible: Map<string, C>
  /** In the order of their numbers, which is the order they become visible in: the delay is the same for all. */
  readonly #pending: Array<Pending> = []
  #lsn = 0
  #visibleLsn = 0

  constructor(options: CommitLogOptions<C>) {
    this.#options = options
    this.#visible = options.visibleAfter > 0 ? new Map() : this.#written
    for (const commit of options.history) {
      apply(this.#written, commit, options.make)
      if (this.#visible !== this.#written) apply(this.#visible, commit, options.make)
      this.#lsn = Math.max(this.#lsn, commit.lsn)
    }
    this.#visibleLsn = this.#lsn
  }

  /** What writes are checked against. */
  get written(): ReadonlyMap<string, C> {
    return this.#written
  }

  /** What reads see. */
  get visible(): ReadonlyMap<string, C> {
    this.#drain()
    return this.#visible
  }

  /** The highest sequence number reads see. */
  get visibleLsn(): number {
    this.#drain()
    return this.#visibleLsn
  }

  /** Writes, and gives the sequence number of the write. */
  commit(namespace: string, change: Change): number {
    const { make, now, onCommit, visibleAfter } = this.#options
    const commit = { lsn: this.#lsn + 1, namespace, change }
    onCommit?.(commit)
    this.#lsn = commit.lsn
    apply(this.#written, commit, make)
    if (this.#visible === this.#written) this.#visibleLsn = commit.lsn
    else this.#pending.push({ visibleAt: now() + visibleAfter, commit: withOwnVectors(commit) })
    return commit.lsn
  }

  #drain(): void {
    if (this.#pending.length === 0) return
    const now = this.#options.now()
    const late = this.#pending.findIndex((pending) => pending.visibleAt > now)
    for (const { commit } of this.#pending.splice(0, late < 0 ? this.#pending.length : late)) {
      apply(this.#visible, commit, this.#options.make)
      this.#visibleLsn = commit.lsn
    }
  }
}

/** A commit that can be applied later: its caller may use its vectors for something else by then. */
const withOwnVectors = (commit: Commit): Commit => {
  const { change } = commit
  switch (change._tag) {
    case "Put":
      return {
        ...commit,
        change: { ...change, records: change.records.map((record) => ({ ...record, values: record.values.slice() })) }
      }
    case "Change":
      return {
        ...commit,
        change: {
          ...change,
          records: change.records.map((record) => ({
            ...record,
            ...(record.values && { values: record.values.slice() })
          }))
        }
      }
    default:
      return commit
  }
}
