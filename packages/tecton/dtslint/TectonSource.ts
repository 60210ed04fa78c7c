import { FeatureService, type TectonClient, type TectonError, TectonSource } from "@effect-connectors/tecton"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

interface Payment {
  readonly user: string
  readonly amount: number
}
declare const payments: Stream.Stream<Payment, "broken", "clock">

const plain = FeatureService.make("plain", {
  joinKeys: { user_id: Schema.String },
  features: { "clicks.count": Schema.BigInt }
})
const fraud = FeatureService.make("fraud", {
  joinKeys: { user_id: Schema.String },
  requestContext: { amount: Schema.Number },
  features: { "clicks.count": Schema.BigInt }
})
declare const dynamic: FeatureService.Dynamic

/** Elements, errors and needs of the source go through; the vector is typed. */
export const rows: Stream.Stream<
  [Payment, FeatureService.Vector<{ readonly "clicks.count": bigint }>],
  "broken" | TectonError,
  "clock" | TectonClient
> = payments.pipe(TectonSource.features(plain, { keys: ({ user }) => ({ user_id: user }) }))

export const counts: Stream.Stream<bigint | null, "broken" | TectonError, "clock" | TectonClient> = payments.pipe(
  TectonSource.features(fraud, {
    keys: (payment) => ({ user_id: payment.user }),
    requestContext: (payment) => ({ amount: payment.amount })
  }),
  Stream.map(([, vector]) => vector["clicks.count"].value)
)

export const anything = payments.pipe(
  TectonSource.features(dynamic, { keys: ({ user }) => ({ user_id: user }) }),
  Stream.map(([, vector]) => vector["any.feature"]?.value)
)

export const wrong = [
  payments.pipe(
    // @ts-expect-error the service needs a request context
    TectonSource.features(fraud, { keys: (payment: Payment) => ({ user_id: payment.user }) })
  ),
  payments.pipe(
    // @ts-expect-error a key is missing
    TectonSource.features(plain, { keys: () => ({}) })
  ),
  payments.pipe(
    // @ts-expect-error a key has another type
    TectonSource.features(plain, { keys: (payment: Payment) => ({ user_id: payment.amount }) })
  ),
  payments.pipe(
    TectonSource.features(plain, { keys: ({ user }) => ({ user_id: user }) }),
    // @ts-expect-error the service has no such feature
    Stream.map(([, vector]) => vector["clicks.sum"])
  )
]
