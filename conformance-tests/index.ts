export type { Address } from './address.ts';
export { describeInvalidationBus } from './describe-invalidation-bus.ts';
export type { BrokerPlace, BusFaults, BusFixture, BusPlace, HostileMessage } from './fixture.ts';
export { ruleBook, type RuleId, type RuleText } from './rule-book.ts';
export { TcpProxy, type Direction } from './tcp-proxy.ts';
