import { expect } from 'chai';
import { BusError, type BusErrorCode } from '../src/index.ts';

export type Settlement<T> =
  | { readonly state: 'resolved'; readonly value: T }
  | { readonly state: 'rejected'; readonly error: unknown };

/** How `work` ends. Rejects, by name, if it has not ended within the bound. */
export function settles<T>(
  what: string,
  work: Promise<T>,
  boundMs: number,
): Promise<Settlement<T>> {
  const settlement = bounded(what, work, boundMs);
  // A test that has failed already does not look at it any more; that is no error of its own.
  settlement.catch(() => undefined);
  return settlement;
}

async function bounded<T>(what: string, work: Promise<T>, boundMs: number): Promise<Settlement<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${what} did not settle within ${boundMs} ms`));
    }, boundMs);
  });
  try {
    return await Promise.race([settlementOf(work), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function settlementOf<T>(work: Promise<T>): Promise<Settlement<T>> {
  try {
    return { state: 'resolved', value: await work };
  } catch (error) {
    return { state: 'rejected', error };
  }
}

/** How `work` ends within the next few turns of the event loop; `undefined` if it does not: "at once" without a clock. */
export async function settlesAtOnce<T>(work: Promise<T>): Promise<Settlement<T> | undefined> {
  return Promise.race([settlementOf(work), turns(20)]);
}

async function turns(count: number): Promise<undefined> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return undefined;
}

/** Asserts that a call was refused with one of `codes`, by a `BusError` whose message says something. */
export function expectRefusal(
  what: string,
  settlement: Settlement<unknown> | undefined,
  ...codes: readonly BusErrorCode[]
): BusError {
  expect(settlement?.state, `${what} settles by rejecting`).to.equal('rejected');
  const error = settlement?.state === 'rejected' ? settlement.error : undefined;
  if (!(error instanceof BusError)) {
    throw new Error(`${what} rejected with something that is no BusError: ${String(error)}`, {
      cause: error,
    });
  }
  expect(error.code, `the code of: ${error.message}`).to.be.oneOf(codes);
  expect(error.message, `the message of ${error.code}`).to.have.length.above(0);
  return error;
}
