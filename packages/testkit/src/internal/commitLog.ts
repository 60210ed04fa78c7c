/**
 * The two states of an index: what was written, which every write is checked against, and what reads see, which
 * may be some milliseconds behind. Without a delay they are one and the same.
 */
import { apply, type Change, type Commit, type Namespaces } from "./commit.ts"
import type { Kind, NamespaceRecords } from "./namespaceRecords.ts"

export interface CommitLogOptions {
  readonly kind: Kind
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

export class CommitLog {
  readonly #options: CommitLogOptions
  readonly #written = new Map<string, NamespaceRecords>()
  readonly #visible: Map<string, NamespaceRecords>
  /** In the order of their numbers, which is the order they become visible in: the delay is the same for all. */
  readonly #pending: Array<Pending> = []
  #lsn = 0
  #visibleLsn = 0

  constructor(options: CommitLogOptions) {
    this.#options = options
    this.#visible = options.visibleAfter > 0 ? new Map() : this.#written
    for (const commit of options.history) {
      apply(this.#written, commit, options.kind)
      if (this.#visible !== this.#written) apply(this.#visible, commit, options.kind)
      this.#lsn = Math.max(this.#lsn, commit.lsn)
    }
    this.#visibleLsn = this.#lsn
  }

  /** What writes are checked against. */
  get written(): Namespaces {
    return this.#written
  }

  /** What reads see. */
  get visible(): Namespaces {
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
    const { kind, now, onCommit, visibleAfter } = this.#options
    const commit = { lsn: this.#lsn + 1, namespace, change }
    onCommit?.(commit)
    this.#lsn = commit.lsn
    apply(this.#written, commit, kind)
    if (this.#visible === this.#written) this.#visibleLsn = commit.lsn
    else this.#pending.push({ visibleAt: now() + visibleAfter, commit: withOwnVectors(commit) })
    return commit.lsn
  }

  #drain(): void {
    if (this.#pending.length === 0) return
    const now = this.#options.now()
    const late = this.#pending.findIndex((pending) => pending.visibleAt > now)
    for (const { commit } of this.#pending.splice(0, late < 0 ? this.#pending.length : late)) {
      apply(this.#visible, commit, this.#options.kind)
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
