export type { Address } from './address.ts';
export { describeInvalidationBus } from './describe-invalidation-bus.ts';
export type { BrokerPlace, BusFaults, BusFixture, BusPlace, HostileMessage } from './fixture.ts';
export { describeBusEndurance, type EnduranceOptions } from './endurance/describe-bus-endurance.ts';
export { enduranceBook, type EnduranceId } from './endurance/endurance-book.ts';
export { ruleBook, type RuleId, type RuleText } from './rule-book.ts';
export { TcpProxy, type Direction } from './tcp-proxy.ts';
