import {
  BusError,
  type BusCapabilities,
  type BusReceiver,
  type BusState,
  type Frame,
  type InvalidationBus,
  type PublishOptions,
} from '../../../src/index.ts';

/** A bus that does what the test says. */
export class ScriptedBus implements InvalidationBus {
  readonly capabilities: BusCapabilities;
  state: BusState = 'idle';
  receiver: BusReceiver | undefined;
  readonly published: { readonly frame: Frame; readonly summary: string | undefined }[] = [];
  closes = 0;
  /** What `open` does. */
  onOpen: () => Promise<void> = () => Promise.resolve();
  /** What happens before `open` has come back. */
  onOpened: () => void = () => undefined;
  /** What `publish` does. */
  onPublish: (frame: Frame) => Promise<void> = () => Promise.resolve();

  constructor(capabilities: Partial<BusCapabilities> = {}) {
    this.capabilities = {
      ordering: 'total',
      resumption: false,
      maxFrameBytes: 8_192,
      ...capabilities,
    };
  }

  async open(receiver: BusReceiver): Promise<void> {
    this.receiver = receiver;
    this.state = 'opening';
    try {
      await this.onOpen();
      this.state = 'open';
      this.onOpened();
    } catch (error) {
      this.state = 'closed';
      throw error;
    }
  }

  publish(frame: Frame, options: PublishOptions = {}): Promise<void> {
    this.published.push({ frame, summary: options.summary });
    return this.onPublish(frame);
  }

  async close(): Promise<void> {
    this.closes += 1;
    this.state = 'closed';
    await Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  interrupt(): void {
    this.state = 'interrupted';
    this.receiver?.onContinuity({
      type: 'interrupted',
      cause: new BusError('BUS_UNREACHABLE', 'it is gone'),
    });
  }

  resume(loss: 'none' | 'possible' = 'possible'): void {
    this.state = 'open';
    this.receiver?.onContinuity({ type: 'resumed', loss });
  }

  fail(error: BusError): void {
    this.state = 'closed';
    this.receiver?.onContinuity({ type: 'failed', cause: error });
  }
}
