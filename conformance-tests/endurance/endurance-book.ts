import type { RuleText } from '../rule-book.ts';

export type EnduranceId = 'EN-01' | 'EN-02' | 'EN-03' | 'EN-04' | 'EN-05';

/** What a bus must live through beyond the contract. docs/contract.md is compared with this table by a test. */
export const enduranceBook: Readonly<Record<EnduranceId, RuleText>> = {
  'EN-01': {
    title: '200 cuts later there is one subscription, and nothing has piled up',
    intent: 'A server runs for months; what leaks a little with every outage ends it in the end.',
  },
  'EN-02': {
    title: 'a broker that is away costs next to no CPU, and is found within 10 s of its return',
    intent: 'An outage of the broker must not become an outage of every server that waits for it.',
  },
  'EN-03': {
    title: 'a peer that breaks off, floods or never answers fails `open` with a typed error',
    intent: 'Behind an address there may be anything; the process that dials it must survive.',
  },
  'EN-04': {
    title: 'a peer that speaks another protocol fails `open` with a typed error',
    intent: 'A wrong port is the commonest mistake; it must read like one.',
  },
  'EN-05': {
    title: '10,000 publishes at once to a broker that does not read all settle, memory bounded',
    intent: 'Back pressure must reach the caller, as an error, before it reaches the memory.',
  },
};
