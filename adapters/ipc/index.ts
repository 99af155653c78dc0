export { ipcBus, type IpcBusOptions } from './ipc-bus.ts';
export { sendIpcMessage, type SendIpcMessageOptions } from './send-ipc-message.ts';
