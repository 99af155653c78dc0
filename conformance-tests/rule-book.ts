/** The numbers of the contract. They never change their meaning within a major version. */
export type RuleId =
  | 'IB-01'
  | 'IB-02'
  | 'IB-03'
  | 'IB-04'
  | 'IB-05'
  | 'IB-06'
  | 'IB-07'
  | 'IB-08'
  | 'IB-09'
  | 'IB-10'
  | 'IB-11'
  | 'IB-12'
  | 'IB-13'
  | 'IB-14'
  | 'IB-15'
  | 'IB-16'
  | 'IB-20'
  | 'IB-21'
  | 'IB-22'
  | 'IB-30'
  | 'IB-31'
  | 'IB-32'
  | 'IB-33'
  | 'IB-34'
  | 'IB-35'
  | 'IB-36'
  | 'IB-40'
  | 'IB-41'
  | 'IB-42'
  | 'IB-43';

export interface RuleText {
  /** What a bus does. A statement, so that it can be a test's title. */
  readonly title: string;
  /** Why it matters to the core. */
  readonly intent: string;
}

/** Every rule of the contract. docs/contract.md is compared with this table by a test. */
export const ruleBook: Readonly<Record<RuleId, RuleText>> = {
  'IB-01': {
    title: 'every open bus receives a published frame, the publisher included',
    intent:
      'Loopback gives the publisher its own place in the order, and tells it when it has gone deaf.',
  },
  'IB-02': {
    title: 'a frame published after `open` resolves is delivered: no grace period',
    intent: 'A node starts to cache when `open` resolves; a deaf moment after it is a stale entry.',
  },
  'IB-03': {
    title: 'each frame is delivered exactly once on an undisturbed line',
    intent:
      'Duplicates are harmless and cost work; on a quiet line they show a double subscription.',
  },
  'IB-04': {
    title: 'a frame arrives unchanged, whatever its text',
    intent: 'The bus carries opaque text. What escapes, trims or parses it breaks the codec above.',
  },
  'IB-05': {
    title: 'a frame of `maxFrameBytes` passes, one byte more is `BUS_FRAME_TOO_LARGE`',
    intent: 'The core splits by this number: a broker that cuts or refuses below it loses keys.',
  },
  'IB-06': {
    title: 'channels are apart, also those with odd names',
    intent:
      'Two clusters on one broker must not hear each other because their names were tidied up.',
  },
  'IB-07': {
    title: 'the frames of one publisher arrive in order, if `ordering` is not `none`',
    intent:
      'Order makes holes visible at once; without it the core waits before it asks for repair.',
  },
  'IB-08': {
    title: 'all receivers hear one order, if `ordering` is `total`',
    intent: 'One order for all is what makes a frame its own proof of what came before it.',
  },
  'IB-09': {
    title: 'a foreign message arrives as foreign, its text unchanged, and never as a frame',
    intent:
      'A person or a plain producer can invalidate; nothing that they say can pass for protocol.',
  },
  'IB-10': {
    title: '`publish` before `open` and after `close` is `BUS_NOT_OPEN`, not sent',
    intent: 'A frame that nobody will ever send must not look like one that is on its way.',
  },
  'IB-11': {
    title: 'a bus opens once, and a failed `open` leaves it closed',
    intent: 'One lifetime per object: what a bus heard can be told from what it could have missed.',
  },
  'IB-12': {
    title: '`open` rejects with `BUS_UNREACHABLE` when the broker is out of reach',
    intent:
      'The caller decides whether to start without a bus; it cannot if `open` waits for ever.',
  },
  'IB-13': {
    title: '`open` rejects with `BUS_ACCESS_DENIED` for a wrong credential, and does not show it',
    intent: 'Another attempt cannot mend it, so nobody retries; a log must never hold a password.',
  },
  'IB-14': {
    title: '`close` is idempotent in every state and leaves no handle open',
    intent: 'A process that has closed its bus ends by itself.',
  },
  'IB-15': {
    title: 'nothing is heard after `close`',
    intent: 'The owner has let go of what the receiver works on.',
  },
  'IB-16': {
    title: 'closing one bus does not disturb another in the process',
    intent: 'Two clusters in one process, or a test beside another, are independent.',
  },
  'IB-20': {
    title: '`publish` resolves only for a frame that others receive',
    intent: '`write` reports success on the strength of it.',
  },
  'IB-21': {
    title: 'every publish in flight settles when the line is cut',
    intent: 'A call that never returns holds a request, a lock and in the end the server.',
  },
  'IB-22': {
    title: '`signal` aborts `open` and `publish` with its reason',
    intent: 'Deadlines belong to the caller.',
  },
  'IB-30': {
    title: 'a cut is heard as `interrupted`, once',
    intent: 'From here on the cache relies on age alone; twice would count one outage as two.',
  },
  'IB-31': {
    title: 'while interrupted `publish` rejects at once with `BUS_INTERRUPTED`, not sent',
    intent: 'The outbox is the cluster’s, bounded and coalescing; a second hidden one is neither.',
  },
  'IB-32': {
    title: 'after healing `resumed` comes before any frame',
    intent: 'A frame in between would be counted as proof of continuity that was not there.',
  },
  'IB-33': {
    title: 'a frame missed means `loss: possible`: delivered, or owned up to',
    intent: 'The one lie that makes a cache serve stale data for ever.',
  },
  'IB-34': {
    title:
      '`resumption: true` means that a short cut loses nothing, `false` always says `possible`',
    intent:
      'What resumes spares the cluster a repair; what cannot resume must not claim that it did.',
  },
  'IB-35': {
    title: 'ten cuts later there is still one subscription',
    intent: 'Re-attachment that leaves something behind turns every outage into more traffic.',
  },
  'IB-36': {
    title: 'a swallowed (half-open) line is noticed within the configured time',
    intent: 'Most real outages send neither FIN nor RST; silence must not pass for calm.',
  },
  'IB-40': {
    title: 'a throwing receiver does not break the bus',
    intent: 'A bug in an application’s listener must not silence the cluster.',
  },
  'IB-41': {
    title: '5,000 frames in a burst all arrive, memory bounded',
    intent: 'A deployment that invalidates everything at once is when the bus is needed most.',
  },
  'IB-42': {
    title: 'hostile bytes on the channel are reported, never thrown',
    intent: 'Whoever may write to the channel must not be able to end the processes that read it.',
  },
  'IB-43': {
    title: '20 buses in one process share nothing',
    intent: 'Module state that leaks between buses makes one tenant’s outage everybody’s.',
  },
};
