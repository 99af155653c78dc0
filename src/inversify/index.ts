export { startUnstale, unstaleModule, type UnstaleModuleOptions } from './unstale-module.ts';
export {
  busesToken,
  busToken,
  cacheToken,
  clusterToken,
  configurationToken,
  loaderToken,
} from './tokens.ts';
