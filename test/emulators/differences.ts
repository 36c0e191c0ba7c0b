/**
 * Where an emulator does not do what AWS documents: the title of the test →
 * what it does instead. The suite runs these tests too, and fails when one
 * passes: then the emulator has been mended, and its line here must go.
 *
 * What AWS documents is the SQS, SNS and Secrets Manager API reference.
 */
export const DIFFERENCES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  moto: {
    "quarantines what is redriven from the dead letters, once there is a vault":
      "it has no StartMessageMoveTask",
    "a NUL in a body is InvalidMessageContents": "it takes it",
  },
  elasticmq: {
    "a batch of none is EmptyBatchRequest": "it answers as if it had sent something",
    "no more than ten messages can be asked for": "it says InvalidAttributeValue",
    "no longer poll than twenty seconds can be asked for": "it says InvalidAttributeValue",
    "a NUL in a body is InvalidMessageContents": "it says InvalidAttributeValue",
  },
  localstack: {
    "of a delete batch each entry that fails is named":
      "it says that a wrong receipt is no fault of the sender",
  },
}
