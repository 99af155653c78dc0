/** What `rabbitmqctl` can do for a test. Everything is about the virtual host `/`. */
export interface RabbitMqAdministration {
  addUser(name: string, password: string): Promise<void>;
  setPassword(name: string, password: string): Promise<void>;
  /** Regular expressions over the names of queues and exchanges; an empty one allows nothing. */
  setPermissions(
    name: string,
    rights: { readonly configure: string; readonly write: string; readonly read: string },
  ): Promise<void>;
  listQueues(): Promise<readonly string[]>;
  /** Also an exclusive one: its consumer is cancelled. */
  deleteQueue(name: string): Promise<void>;
  deleteAllQueues(): Promise<void>;
  listExchanges(): Promise<readonly string[]>;
  deleteExchange(name: string): Promise<void>;
  /** How many connections there are. */
  countConnections(): Promise<number>;
  /** Ends every connection with `CONNECTION_FORCED` (320). */
  closeAllConnections(): Promise<void>;
  /** The memory alarm: the broker stops reading from connections that publish. */
  setMemoryAlarm(on: boolean): Promise<void>;
  /** The disk alarm, with the same effect. */
  setDiskAlarm(on: boolean): Promise<void>;
  /** Evaluates an Erlang expression in the broker and gives what it printed. */
  evaluate(expression: string): Promise<string>;
}

type Rabbitmqctl = (...args: string[]) => Promise<string>;

export function rabbitMqAdministration(rabbitmqctl: Rabbitmqctl): RabbitMqAdministration {
  const run = async (...args: string[]): Promise<void> => {
    await rabbitmqctl(...args);
  };
  const list = async (what: string): Promise<readonly string[]> =>
    namesIn(JSON.parse(await rabbitmqctl('--quiet', '--formatter=json', what, 'name')));
  const evaluate = (expression: string): Promise<string> => rabbitmqctl('eval', expression);
  return {
    async addUser(name, password) {
      await run('add_user', name, password);
      await run('set_permissions', name, '.*', '.*', '.*');
    },
    setPassword: (name, password) => run('change_password', name, password),
    setPermissions: (name, rights) =>
      run('set_permissions', name, rights.configure, rights.write, rights.read),
    listQueues: () => list('list_queues'),
    async deleteQueue(name) {
      await evaluate(`{ok, Q} = rabbit_amqqueue:lookup(${resource('queue', name)}), ${DELETE_Q}.`);
    },
    async deleteAllQueues() {
      await evaluate(`[${DELETE_Q} || Q <- rabbit_amqqueue:list()], ok.`);
    },
    listExchanges: () => list('list_exchanges'),
    async deleteExchange(name) {
      await evaluate(
        `rabbit_exchange:delete(${resource('exchange', name)}, false, <<"the test">>).`,
      );
    },
    countConnections: async () => (await list('list_connections')).length,
    closeAllConnections: () => run('close_all_connections', 'closed by the test'),
    setMemoryAlarm: (on) => run('set_vm_memory_high_watermark', on ? '0' : '0.9'),
    setDiskAlarm: (on) => run('set_disk_free_limit', on ? '1000000000000000' : '1000000'),
    evaluate,
  };
}

/** `rabbitmqctl delete_queue` refuses exclusive queues, which are the ones a bus has. */
const DELETE_Q = 'rabbit_amqqueue:delete(Q, false, false, <<"the test">>)';

function resource(kind: 'queue' | 'exchange', name: string): string {
  return `rabbit_misc:r(<<"/">>, ${kind}, <<${[...Buffer.from(name)].join(',')}>>)`;
}

function namesIn(rows: unknown): readonly string[] {
  if (!Array.isArray(rows)) throw new Error('rabbitmqctl gave no list');
  return rows.map((row: unknown) =>
    typeof row === 'object' && row !== null && 'name' in row ? String(row.name) : '',
  );
}
