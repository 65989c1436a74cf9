/** What a script may be, and what a run of it may cost. RFC 5228 §2.10.5 has the least that must be taken. */

export interface SieveLimits {
  /** Characters of a script. Generated ones of a thousand rules are below 300,000. */
  readonly scriptLengthMax: number
  /** Blocks within blocks and tests within tests, each. RFC 5228 §2.10.5 asks for 15. */
  readonly nestingMax: number
  /** Characters of a string of a script. A vacation text with a picture is a mistake, but a common one. */
  readonly stringLengthMax: number
  /** Items of a list: block lists of addresses are generated, and long. */
  readonly listItemsMax: number
  /** Faults that are told of one script: more is of no use to a reader. */
  readonly faultsMax: number
  /** Commands, tests and kilobytes compared in one run: an endless run is none that its owner wants. */
  readonly stepsMax: number
  /** Actions of one run. RFC 5228 §2.10.4. */
  readonly actionsMax: number
  /** Redirects of one run: one message must not become a flood. RFC 5228 §10. */
  readonly redirectsMax: number
  /** Notifications of one run. RFC 5435 §8. */
  readonly notifiesMax: number
  /** Variables of one script. RFC 5229 §6 asks for 128. */
  readonly variablesMax: number
  /** Characters of a variable's value; what is longer is cut. RFC 5229 §6 asks for 4000. */
  readonly variableLengthMax: number
  /** Characters of body text that are asked for and looked at. */
  readonly bodyTextMax: number
  /** Scripts within scripts. RFC 6609 §3.1 has a limit at the author's choice. */
  readonly includeDepthMax: number
  /** Scripts that one run includes. */
  readonly includesMax: number
  /** Fields that are added or deleted in one run. */
  readonly headerEditsMax: number
  /** Steps that are recorded for an explanation. */
  readonly recordedStepsMax: number
}

export const sieveLimits: SieveLimits = {
  scriptLengthMax: 1_048_576,
  nestingMax: 32,
  stringLengthMax: 262_144,
  listItemsMax: 10_000,
  faultsMax: 20,
  stepsMax: 1_000_000,
  actionsMax: 32,
  redirectsMax: 4,
  notifiesMax: 4,
  variablesMax: 256,
  variableLengthMax: 16_384,
  bodyTextMax: 4_194_304,
  includeDepthMax: 10,
  includesMax: 100,
  headerEditsMax: 100,
  recordedStepsMax: 1_000,
}
