export { instrument, type InstrumentOptions, type Instrumentation } from './instrument.ts';
