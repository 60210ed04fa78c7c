/** The clock of an emulator: it follows another one until a test takes hold of it. */
export interface ControlledClock {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Stops it at a time. */
  readonly set: (millis: number) => void
  /** Moves it on; one that stands goes on standing. */
  readonly advance: (millis: number) => void
  /** Lets it follow the other one again. */
  readonly follow: () => void
  readonly stands: () => boolean
}

export const make = (followed: () => number): ControlledClock => {
  let ahead = 0
  let standsAt: number | undefined
  return {
    now: () => standsAt ?? followed() + ahead,
    set: (millis) => {
      standsAt = millis
    },
    advance: (millis) => {
      if (standsAt === undefined) ahead += millis
      else standsAt += millis
    },
    follow: () => {
      ahead = 0
      standsAt = undefined
    },
    stands: () => standsAt !== undefined
  }
}
