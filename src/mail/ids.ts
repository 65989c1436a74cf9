/** Numbers that must not be confused: the compiler keeps them apart. */
declare const brand: unique symbol

type Branded<Name extends string> = number & { readonly [brand]: Name }

/** A message's unique identifier in its mailbox. RFC 9051 §2.3.1.1. */
export type Uid = Branded<'Uid'>
/** A message's number in its mailbox, from 1, as a session counts. RFC 9051 §2.3.1.2. */
export type SequenceNumber = Branded<'SequenceNumber'>
/** A modification sequence of an account. RFC 7162 §3.1. */
export type ModSeq = Branded<'ModSeq'>
/** An account's number in the store; it is never used again. */
export type AccountId = Branded<'AccountId'>
