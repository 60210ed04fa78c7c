/** What a case found, and how that is told. */

/** What is counted of one case. */
export interface CaseReport {
  readonly name: string
  /** Records, replies or requests that went through it. */
  readonly records: number
  /** Records that are missing where they should be. */
  readonly lost: number
  /** Records whose content, reason or count is not what it should be. */
  readonly wrong: number
  /** What has no explanation: an outcome without a cause, a crash, a hang, a leak. */
  readonly unexplained: number
  /** Records sent again after a process was killed. */
  readonly resent: number
  /** How often each planned fault struck. */
  readonly faultsFired: Readonly<Record<string, number>>
  /** What else was measured. */
  readonly measured: Readonly<Record<string, number | string>>
  /** The first things that were not as they should be, in words. */
  readonly problems: ReadonlyArray<string>
  readonly seconds: number
  readonly ok: boolean
}

export interface Report {
  readonly seed: number
  readonly form: Form
  readonly cases: ReadonlyArray<CaseReport>
}

/** How much is done: the short form is for every run of the tests. */
export type Form = "short" | "long"

/** What a case is told. */
export interface Settings {
  readonly seed: number
  readonly form: Form
}

const listed = 20

type Kind = "lost" | "wrong" | "unexplained"

/** Collects what a case finds. */
export class Findings {
  readonly #counts: Record<Kind, number> = { lost: 0, wrong: 0, unexplained: 0 }
  readonly #problems: Array<string> = []
  #records = 0
  #resent = 0
  readonly #faults: Record<string, number> = {}
  readonly #measured: Record<string, number | string> = {}

  /** Something is not as it should be. */
  add(kind: Kind, problem: string, count = 1): void {
    this.#counts[kind] += count
    if (this.#problems.length < listed) this.#problems.push(`${kind}: ${problem}`)
  }

  /** {@link Findings.add} unless the condition holds. */
  expect(condition: boolean, kind: Kind, problem: string): void {
    if (!condition) this.add(kind, problem)
  }

  records(count: number): void {
    this.#records += count
  }

  resent(count: number): void {
    this.#resent += count
  }

  /** Planned faults; each of them must have struck. */
  faults(fired: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(fired)) {
      this.#faults[name] = (this.#faults[name] ?? 0) + count
    }
  }

  /** Finds fault with planned faults that never struck: then the case tested less than it says. */
  everyFaultFired(): void {
    const idle = Object.keys(this.#faults).filter((name) => this.#faults[name] === 0)
    this.expect(idle.length === 0, "unexplained", `planned faults that never struck: ${idle.join(", ")}`)
    this.expect(Object.keys(this.#faults).length > 0, "unexplained", "no fault was planned")
  }

  measured(values: Readonly<Record<string, number | string>>): void {
    Object.assign(this.#measured, values)
  }

  report(name: string, seconds: number): CaseReport {
    const { lost, unexplained, wrong } = this.#counts
    return {
      name,
      records: this.#records,
      lost,
      wrong,
      unexplained,
      resent: this.#resent,
      faultsFired: this.#faults,
      measured: this.#measured,
      problems: this.#problems,
      seconds: Math.round(seconds * 10) / 10,
      ok: lost + wrong + unexplained === 0
    }
  }
}

/** The report for people. */
export const text = ({ cases, form, seed }: Report): string =>
  [
    `audit, ${form} form, seed ${seed}`,
    ...cases.flatMap(
      ({ faultsFired, lost, measured, name, ok, problems, records, resent, seconds, unexplained, wrong }) => [
        `${ok ? "ok    " : "FAILED"} ${name}: ${records} records, ${lost} lost, ${wrong} wrong, ${unexplained} unexplained, ${resent} re-sent (${seconds} s)`,
        ...pairs("faults", faultsFired),
        ...pairs("measured", measured),
        ...problems.map((problem) => `         ${problem}`)
      ]
    ),
    cases.every(({ ok }) => ok) ? "all cases are ok" : "NOT OK"
  ].join("\n")

const pairs = (title: string, values: Readonly<Record<string, number | string>>): ReadonlyArray<string> => {
  const all = Object.entries(values)
  return all.length === 0 ? [] : [`         ${title}: ${all.map(([name, value]) => `${name} ${value}`).join(", ")}`]
}
